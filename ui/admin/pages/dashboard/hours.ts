// Minutes of the attack view, gathered to bars of the last day.

// 48 bars of half an hour: fine enough for a day, wide enough for a telephone.
const BARS = 48;
const BAR_MS = 30 * 60_000;

/** Failures per half hour of the last 24 hours, the oldest first; marked where something was blocked. */
export function hours(timeline: readonly { time: string; failures: number; blocks: number }[], now: Date): { time: string; value: number; marked: boolean }[] {
  const begin = now.getTime() - BARS * BAR_MS;
  const bars = Array.from({ length: BARS }, (_, index) => ({ time: new Date(begin + index * BAR_MS).toISOString(), value: 0, marked: false }));
  for (const { time, failures, blocks } of timeline) {
    const bar = bars[Math.min(BARS - 1, Math.floor((Date.parse(time) - begin) / BAR_MS))];
    if (!bar) continue;
    bar.value += failures;
    bar.marked ||= blocks > 0;
  }
  return bars;
}
