import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csv } from '../lib/csv';

test('a cell is never a formula and never ends early', () => {
  assert.equal(csv([['number', 'name'], ['101', '=1+1']]), "number,name\r\n101,'=1+1\r\n");
  assert.equal(csv([['a,b', 'say "x"', '@x\ny']]), '"a,b","say ""x""","\'@x\ny"\r\n');
});
