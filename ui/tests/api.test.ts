import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextPage, onSignedOut, Problem, request, sentence, withQuery } from '$lib/api';

test('the next page is found in a link header', () => {
  assert.equal(nextPage('</api/v1/extensions?limit=50&after=101>; rel="next"'), '/extensions?limit=50&after=101');
  assert.equal(nextPage('<first>; rel="first", </api/v1/users?after=a,b>; rel=next'), '/users?after=a,b');
  assert.equal(nextPage('</api/v1/users>; rel="prev"'), null);
  assert.equal(nextPage(null), null);
});

test('empty values are left out of a query', () => {
  assert.equal(withQuery('/history', { search: 'a&b', since: '', limit: 5, order: null }), '/history?search=a%26b&limit=5');
});

test('problems of one field become one text', () => {
  const problem = new Problem({ problems: [{ key: 'lines.0.username', what: 'is taken', cure: 'choose another' }, { what: 'general' }] });
  assert.equal(problem.fields.get('lines.0.username'), 'Is taken. Choose another.');
  assert.equal(problem.fields.size, 1);
  assert.equal(sentence('why?'), 'Why?');
});

test('a request whose session ended is repeated after signing in again', async () => {
  const seen: (string | null)[] = [];
  let signedIn = false;
  globalThis.fetch = async (_url, init) => {
    seen.push(String(init?.body));
    assert.equal(new Headers(init?.headers).get('X-Ringwall'), '1');
    assert.equal(new Headers(init?.headers).get('If-Match'), '"v1"');
    if (signedIn) return Response.json({ revision: 2 }, { headers: { ETag: '"v2"' } });
    return Response.json({ status: 401, code: 'signed-out', detail: 'no session' }, { status: 401 });
  };
  onSignedOut(async () => {
    signedIn = true;
  });
  const answer = await request<{ revision: number }>('PUT', '/users/ann', { body: { name: 'Ann' }, etag: '"v1"' });
  assert.equal(answer.data.revision, 2);
  assert.equal(answer.etag, '"v2"');
  assert.deepEqual(seen, ['{"name":"Ann"}', '{"name":"Ann"}']);
});

test('a wrong password is told and not asked for again', async () => {
  globalThis.fetch = async () => Response.json({ status: 401, code: 'wrong-credentials', detail: 'no' }, { status: 401 });
  onSignedOut(() => assert.fail('asked again'));
  await assert.rejects(request('POST', '/session', { body: {} }), (error: Problem) => error.code === 'wrong-credentials');
});

test('a server that is not there is a problem with words of its own', async () => {
  globalThis.fetch = async () => {
    throw new TypeError('fetch failed');
  };
  await assert.rejects(request('GET', '/status'), (error: Problem) => error.code === 'unreachable');
});
