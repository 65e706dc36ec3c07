import assert from 'node:assert/strict';
import { test } from 'node:test';
import { find, match } from '$lib/routes';

test('a pattern takes the parts of a path', () => {
  assert.deepEqual(match('/extensions/:number', '/extensions/1%2F2'), { number: '1/2' });
  assert.deepEqual(match('/', '/'), {});
  assert.equal(match('/extensions/:number', '/extensions'), null);
  assert.equal(match('/extensions/:number', '/extensions/%ff'), null);
});

test('a path of its own goes before one with parameters', () => {
  const routes = [{ path: '/users/:login' }, { path: '/users/new' }];
  assert.equal(find(routes, '/users/new')?.route.path, '/users/new');
  assert.equal(find(routes, '/users/ann')?.params['login'], 'ann');
  assert.equal(find(routes, '/nowhere'), null);
});
