import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_S, gather } from '$lib/timeline';

const now = new Date('2026-03-01T12:00:00Z');
const at = (time: string, failures: number, blocks = 0) => ({ time, failures, blocks });

test('a lone minute is one bar of the whole period, and what is out of it counts at its ends', () => {
  const bars = gather([at('2026-03-01T11:59:00Z', 5, 1)], now, DAY_S);
  assert.equal(bars.length, 48);
  assert.deepEqual(bars.map(({ value }) => value).filter(Boolean), [5]);
  assert.equal(bars.at(-1)?.marked, true);
  assert.equal(bars[0]?.time, '2026-02-28T12:00:00.000Z');
  const edges = gather([at('2026-02-28T11:59:00Z', 1), at('2026-03-01T12:01:00Z', 2)], now, DAY_S);
  assert.deepEqual([edges[0]?.value, edges.at(-1)?.value], [1, 2]);
});
