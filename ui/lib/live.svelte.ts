// What goes on, as the server tells it: one event stream for the whole console. Nothing is polled. A page reads
// `live.status` and `live.calls`, or reloads itself when something changed (`whenChanged`).
import { untrack } from 'svelte';
import { BASE } from './api';
import { session } from './session.svelte';
import type { Call, LiveResource, Status } from './types';

// A stream that failed is tried again after so long, doubled up to the longest: a restart takes seconds.
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

class Live {
  status = $state<Status | null>(null);
  calls = $state<Call[] | null>(null);
  /** Null before the first attempt has ended. */
  connected = $state<boolean | null>(null);
  #versions = $state<Partial<Record<LiveResource, number>>>({});
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = FIRST_PAUSE_MS;
  #missed = false;

  start(): void {
    if (this.#source) return;
    const source = new EventSource(BASE + '/events');
    this.#source = source;
    source.addEventListener('open', () => this.#opened());
    source.addEventListener('error', () => this.#lost());
    source.addEventListener('status', (event) => (this.status = JSON.parse(event.data) as Status));
    source.addEventListener('calls', (event) => (this.calls = JSON.parse(event.data) as Call[]));
    source.addEventListener('changed', (event) => this.#changed((JSON.parse(event.data) as { resources: LiveResource[] }).resources));
    source.addEventListener('bye', () => {
      // The session may have been ended elsewhere: that is asked at once.
      this.#pause = 0;
      this.#lost();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** Grows whenever the resource changed: read in an effect, it runs the effect again. */
  version(resource: LiveResource): number {
    return this.#versions[resource] ?? 0;
  }

  #changed(resources: readonly LiveResource[]): void {
    untrack(() => {
      for (const resource of resources) this.#versions[resource] = (this.#versions[resource] ?? 0) + 1;
    });
  }

  #opened(): void {
    this.connected = true;
    this.#pause = FIRST_PAUSE_MS;
    // What changed meanwhile was not heard.
    if (this.#missed) this.#changed(['registrations', 'history', 'blocks', 'attacks', 'lock', 'revisions']);
    this.#missed = true;
  }

  #lost(): void {
    this.stop();
    this.connected = false;
    this.#timer = setTimeout(() => void this.#again(), this.#pause);
    this.#pause = Math.min(Math.max(this.#pause * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
  }

  async #again(): Promise<void> {
    try {
      const now = await session.load();
      if (now.state !== 'signed-in') await session.again();
      this.start();
    } catch {
      this.#lost();
    }
  }
}

export const live = new Live();

/** Runs `load` now and whenever one of the resources changed. To be called while a component is set up. */
export function whenChanged(resources: readonly LiveResource[], load: () => void): void {
  $effect(() => {
    for (const resource of resources) live.version(resource);
    untrack(load);
  });
}
