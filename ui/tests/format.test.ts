import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strength } from '$lib/components/password';
import { clock, durationSeconds, length, moment, relative, span, useZone } from '$lib/format';

const noon = new Date('2026-06-01T12:00:00Z');

test('times are shown in the zone of the PBX', () => {
  useZone('Asia/Tokyo');
  assert.equal(clock(noon), '21:00:00');
  // 15:30 UTC is the next day in Tokyo.
  assert.match(moment(new Date('2026-06-01T15:30:00Z'), noon), /^2 Jun,? 00:30$/);
  useZone('Europe/Berlin');
  assert.equal(moment(noon, noon), '14:00:00');
  useZone('Nowhere/Else');
  assert.match(clock(noon), /^\d\d:00:00$/);
});

test('how long ago it was is said in the largest unit', () => {
  assert.match(relative(new Date(noon.getTime() - 190_000), noon), /^3 min\.? ago$/);
  assert.match(relative(new Date(noon.getTime() + 7_200_000), noon), /^in 2 hr\.?$/);
  assert.equal(relative(noon, noon), 'now');
});

test('lengths of calls and spans of time are told apart', () => {
  assert.equal(length(7.9), '0:07');
  assert.equal(length(3_723), '1:02:03');
  assert.equal(span(0), '0 s');
  assert.equal(span(119), '1 min');
  assert.equal(span(18_180), '5 h 3 min');
  assert.equal(span(86_400), '1 d');
});

test('durations are read as settings write them', () => {
  assert.equal(durationSeconds('5m'), 300);
  assert.equal(durationSeconds(' 1.5h '), 5400);
  assert.equal(durationSeconds('5'), null);
  assert.equal(durationSeconds('-5m'), null);
});

test('a password is strong by length and variety', () => {
  assert.equal(strength('aB3$'), 0);
  assert.equal(strength('aaaaaaaaaaaaaaaa'), 1);
  assert.equal(strength('abcdefghijklmnop'), 1);
  assert.equal(strength('correct horse battery staple'), 4);
});
