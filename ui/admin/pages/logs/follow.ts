// Reads a log as the server writes it: one request that stays open, no polling. When it breaks, it is made again from the
// last line on, with growing pauses. Not here: what the lines mean (`loglines`).

import { MAX_LINE } from './loglines';

/** First and longest pause before a broken stream is opened again. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

export type FollowState = 'connecting' | 'live' | 'waiting' | 'refused';

export interface Follower {
  /** Makes the request; `since` is where to begin. */
  open: (since: string | null, signal: AbortSignal) => Promise<Response>;
  lines: (lines: string[]) => void;
  state: (state: FollowState, response?: Response) => void;
}

/** Follows until `signal` says stop. A refusal (4xx) is final, anything else is tried again. */
export async function follow(since: string | null, follower: Follower, signal: AbortSignal): Promise<void> {
  let pause = FIRST_PAUSE_MS;
  const seen = new Overlap();
  let from = since;
  while (!signal.aborted) {
    follower.state('connecting');
    try {
      const response = await follower.open(from, signal);
      if (!response.ok || !response.body) {
        if (response.status >= 400 && response.status < 500) return follower.state('refused', response);
        throw new Error(String(response.status));
      }
      follower.state('live');
      pause = FIRST_PAUSE_MS;
      await readLines(response.body, (lines) => follower.lines(seen.fresh(lines)), signal);
    } catch {
      // Said by the state below: the reason is the network's.
    }
    if (signal.aborted) return;
    from = seen.last ?? from;
    seen.again();
    follower.state('waiting');
    await rest(pause, signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
}

async function readLines(body: ReadableStream<Uint8Array>, take: (lines: string[]) => void, signal: AbortSignal): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    while (!signal.aborted) {
      const { done, value } = await reader.read();
      if (done) break;
      const text = rest + decoder.decode(value, { stream: true });
      const lines = text.split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_LINE);
      if (lines.length > 0) take(lines.filter((line) => line !== ''));
    }
  } finally {
    // A stream that is over can't be cancelled, and needs not be.
    reader.cancel().catch(() => undefined);
  }
}

/** Drops lines that were there before the stream broke: it begins again at the last line's time, which is included. */
class Overlap {
  last: string | null = null;
  private ofLastTime = new Set<string>();
  private repeated: Set<string> | null = null;

  again(): void {
    this.repeated = new Set(this.ofLastTime);
  }

  fresh(lines: string[]): string[] {
    const fresh = lines.filter((line) => !this.repeated?.delete(line));
    for (const line of fresh) {
      const time = line.slice(0, line.indexOf(' '));
      if (time !== this.last) this.ofLastTime.clear();
      this.last = time;
      this.ofLastTime.add(line);
    }
    return fresh;
  }
}

function rest(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
