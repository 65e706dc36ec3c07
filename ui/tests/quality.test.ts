import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grade, opinionScore } from '$lib/quality';
import type { CallSide } from '$lib/types';

const side = (figures: Partial<CallSide>): CallSide => ({
  codec: 'PCMA', encrypted: false, loss_percent: null, jitter_ms: null, rtt_ms: null, ...figures,
});

test('the worst figure decides the word, and none is not a good one', () => {
  assert.equal(grade(side({})), 'silent');
  assert.equal(grade(side({ codec: null, loss_percent: 0 })), 'none');
  assert.equal(grade(side({ loss_percent: 0.9, jitter_ms: 29, rtt_ms: 299 })), 'good');
  assert.equal(grade(side({ loss_percent: 1, jitter_ms: 2 })), 'fair');
  assert.equal(grade(side({ loss_percent: 0, rtt_ms: 600 })), 'poor');
});

test('the opinion score agrees with the tables of the E-model', () => {
  const score = (figures: Partial<CallSide>) => opinionScore(side(figures))?.toFixed(1) ?? null;
  // G.107 by default: R = 93.2 is MOS 4.41.
  assert.equal(score({ loss_percent: 0, jitter_ms: 0 }), '4.4');
  // G.729A is R = 82 without loss (G.113).
  assert.equal(score({ codec: 'G729', loss_percent: 0 }), '4.1');
  // G.711 with concealment at 5 % loss: an impairment of 15.8 (G.113).
  assert.equal(score({ loss_percent: 5 }), '3.9');
  assert.equal(score({ loss_percent: 0, rtt_ms: 560 }), '4.0', '300 ms one way: R = 78.4 (G.107, figure 1 of G.114)');
  assert.equal(score({ loss_percent: 0, rtt_ms: 800 }), '3.5');
  assert.equal(score({ loss_percent: 100, jitter_ms: 500, rtt_ms: 5000 }), '1.0');
  assert.equal(score({}), null);
  assert.equal(score({ rtt_ms: 50 }), null, 'a round trip alone says nothing of the sound');
  assert.equal(score({ codec: null, loss_percent: 0 }), null);
});
