// Minutes of the attack view, gathered to bars of a period.
import type { Attacks } from './types';

/** Bars that can still be told apart at phone width; half an hour each for a day. */
const BARS = 48;
export const DAY_S = 86_400;

/** Failures of the last `seconds` in equal bars, the oldest first; marked where something was blocked. */
export function gather(timeline: Attacks['timeline'], now: Date, seconds: number): { time: string; value: number; marked: boolean }[] {
  const width = (seconds * 1_000) / BARS;
  const begin = now.getTime() - seconds * 1_000;
  const bars = Array.from({ length: BARS }, (_, index) => ({ time: new Date(begin + index * width).toISOString(), value: 0, marked: false }));
  for (const { time, failures, blocks } of timeline) {
    // A minute that began before the period, or after this clock's now, belongs to its end.
    const at = Math.floor((Date.parse(time) - begin) / width);
    const bar = bars[Math.max(0, Math.min(BARS - 1, at))];
    if (!bar) continue;
    bar.value += failures;
    bar.marked ||= blocks > 0;
  }
  return bars;
}
