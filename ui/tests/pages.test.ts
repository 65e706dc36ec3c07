import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayBegins, dayOf } from '$lib/days';
import { differences, taking, typedSince } from '$lib/merge';
import { grade } from '$lib/quality';
import { historyQuery } from '../admin/pages/status/filters';

const before = { name: 'a', nat: false, forwarding: { busy: null, no_answer: null } };

test('what both changed is contested, what one changed is not', () => {
  const mine = { ...before, name: 'mine' };
  const theirs = { name: 'theirs', nat: true, forwarding: { busy: null, no_answer: { to: '7', after: '20s' } } };
  const found = differences(before, mine, theirs);
  assert.deepEqual(found.map(({ path, contested }) => [path, contested]), [
    ['name', true],
    ['nat', false],
    ['forwarding.no_answer.to', false],
    ['forwarding.no_answer.after', false],
  ]);
  const merged = taking(mine, theirs, ['nat', 'forwarding.no_answer.to', 'forwarding.no_answer.after']);
  assert.deepEqual(merged, { ...theirs, name: 'mine' });
  assert.equal(mine.nat, false);
});

test('the same change of both is no collision to settle', () => {
  const both = { ...before, name: 'b' };
  assert.equal(differences(before, both, both)[0]?.contested, false);
});

test('a day begins in the zone of the PBX, also where clocks change', () => {
  assert.equal(dayBegins('2026-11-23', 'Europe/Berlin')?.toISOString(), '2026-11-22T23:00:00.000Z');
  assert.equal(dayBegins('2026-03-29', 'Europe/Berlin', 1)?.toISOString(), '2026-03-29T22:00:00.000Z');
  assert.equal(dayBegins('no day', 'UTC'), null);
  assert.equal(dayOf(new Date('2026-11-23T23:30:00Z'), 'Europe/Berlin'), '2026-11-24');
});

test('the history asks for whole days, the last one included', () => {
  const query = historyQuery(new URLSearchParams('period=own&since=2026-11-01&until=2026-11-02&result=busy'), new Date(), 'UTC');
  assert.equal(query['since'], '2026-11-01T00:00:00.000Z');
  assert.equal(query['until'], '2026-11-03T00:00:00.000Z');
  assert.equal(query['result'], 'busy');
});

test('the worst figure says how a direction sounds', () => {
  const side = { codec: 'PCMA', encrypted: true, loss_percent: 0, jitter_ms: 2, rtt_ms: 20 };
  assert.equal(grade(side), 'good');
  assert.equal(grade({ ...side, jitter_ms: 40 }), 'fair');
  assert.equal(grade({ ...side, loss_percent: 5 }), 'poor');
  assert.equal(grade({ ...side, codec: null }), 'none');
});

test('what is typed while it is being saved stays, and the rest is what the server made of it', () => {
  const sent = { name: 'Sent', email: 'a@b.test', list: ['1'] };
  const answered = { ...sent, email: 'A@B.test', id: 7 };
  assert.deepEqual(typedSince(sent, sent, answered), answered);
  const now = { name: 'Sent and more', email: 'a@b.test', list: ['1', '2'] };
  assert.deepEqual(typedSince(sent, now, answered), { ...answered, name: 'Sent and more', list: ['1', '2'] });
});
