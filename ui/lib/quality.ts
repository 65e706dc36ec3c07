// How good one direction of a call sounds: figures as a word, and as the opinion score that others speak of. Pure.
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

// G.711 by ITU-T G.113: no impairment of its own; 25.1 is what loss does to it where phones conceal it, as all do today.
// Codecs of wider band sound better than this scale of a narrow band can say, and are put on it as G.711.
const LOSS_BORNE = 25.1;
const CODEC_IMPAIRMENT: Record<string, number> = { G729: 11, GSM: 20 };
const FRAME_MS = 20;

// Idd of G.107, of the binary logarithm of the delay in tenths of a second.
const delayImpairment = (x: number) => 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);

/** Mean opinion score, 1 to 4.4, reckoned from what was measured (ITU-T G.107, all else as by default); `null`: nothing was. */
export function opinionScore(side: CallSide): number | null {
  const { codec, loss_percent: loss, jitter_ms: jitter, rtt_ms: rtt } = side;
  if (!codec || (loss === null && jitter === null)) return null;
  // One way, and what a jitter buffer holds back.
  const delay = (rtt ?? 0) / 2 + 2 * (jitter ?? 0) + FRAME_MS;
  const late = delay <= 100 ? 0 : delayImpairment(Math.log2(delay / 100));
  const own = CODEC_IMPAIRMENT[codec.toUpperCase()] ?? 0;
  const lost = own + ((95 - own) * (loss ?? 0)) / ((loss ?? 0) + LOSS_BORNE);
  const rating = Math.min(100, Math.max(0, 93.2 - late - lost));
  return Math.max(1, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}
