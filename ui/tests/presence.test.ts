import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { BY_ITSELF, markPresence, watchPresence } from '$lib/presence';

const marked = () => {
  const headers = new Headers();
  markPresence(headers);
  return headers.get(BY_ITSELF);
};

test('what is read is marked once nobody has touched the window for a minute', () => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const window = new EventTarget();
  const end = watchPresence(window);
  window.dispatchEvent(new Event('keydown'));
  mock.timers.tick(59_999);
  assert.equal(marked(), null);
  mock.timers.tick(1);
  assert.equal(marked(), '1');
  window.dispatchEvent(new Event('pointermove'));
  assert.equal(marked(), null);
  end();
  mock.timers.tick(60_000);
  window.dispatchEvent(new Event('keydown'));
  assert.equal(marked(), '1', 'nobody looks any more');
  mock.timers.reset();
});
