// How good one direction of a call sounds: figures as a word. Pure.
import type { CallSide } from './types';

export type Grade = 'good' | 'fair' | 'poor' | 'silent' | 'none';

// Up to the first figure nobody notices anything; beyond the second, words are lost or people talk over each other
// (ITU-T G.114 for the delay; loss and jitter as concealment and usual jitter buffers bear them).
const LOSS_PERCENT = [1, 3] as const;
const JITTER_MS = [30, 60] as const;
const RTT_MS = [300, 600] as const;

const steps = (value: number | null, [fair, poor]: readonly [number, number]) => (value === null || value < fair ? 0 : value < poor ? 1 : 2);

/** The worst of what was measured. */
export function grade(side: CallSide): Grade {
  if (!side.codec) return 'none';
  if (side.loss_percent === null && side.jitter_ms === null && side.rtt_ms === null) return 'silent';
  const worst = Math.max(steps(side.loss_percent, LOSS_PERCENT), steps(side.jitter_ms, JITTER_MS), steps(side.rtt_ms, RTT_MS));
  return worst === 0 ? 'good' : worst === 1 ? 'fair' : 'poor';
}
