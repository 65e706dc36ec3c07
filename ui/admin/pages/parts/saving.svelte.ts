// Saving an object that somebody else may have changed meanwhile: sends it with the version that was read; where that
// is not the newest any more, keeps what the other one made of it, so that `Collision` can ask.
import { api } from '$lib/api';
import { asProblem } from '$lib/listing.svelte';
import { taking, type Plain } from '$lib/merge';
import type { Written } from '$lib/types';

export class Saving<T extends object> {
  /** As it was read: what both began from. */
  before = $state.raw<T | null>(null);
  etag = $state.raw<string | null>(null);
  /** What the other one made of it; `value` null: deleted. Null while there is no collision. */
  theirs = $state.raw<{ value: T | null; etag: string | null } | null>(null);
  #own: (object: T) => T;

  /** `own` leaves what the form edits, without what the server adds. */
  constructor(own: (object: T) => T) {
    this.#own = own;
  }

  async read(path: string): Promise<T> {
    const { data, etag } = await api.read<T>(path);
    this.before = this.#own(data);
    this.etag = etag;
    return data;
  }

  /** Null where somebody else was faster. */
  async put<W extends Written<T>>(path: string, mine: T): Promise<W | null> {
    try {
      return await api.put<W>(path, mine, this.etag);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.code !== 'changed-meanwhile') throw problem;
      await this.#fetch(path);
      return null;
    }
  }

  /** `mine` with the other one's values at the paths; the next `put` overwrites what was shown, and nothing newer. */
  merged(mine: T, paths: string[]): T {
    const theirs = this.theirs;
    if (!theirs?.value) return mine;
    const merged = taking(mine as Plain, theirs.value as Plain, paths) as T;
    this.before = theirs.value;
    this.etag = theirs.etag;
    this.theirs = null;
    return merged;
  }

  async #fetch(path: string): Promise<void> {
    try {
      const { data, etag } = await api.read<T>(path);
      this.theirs = { value: this.#own(data), etag };
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status !== 404) throw problem;
      this.theirs = { value: null, etag: null };
    }
  }
}
