// A list of the server in pages, and a single object with its version: loading, failed, there. For tables and forms.
import { api, Problem, type Query } from './api';

/** A list that the server pages: `load` begins anew, `more` goes on. */
export class Listing<T> {
  items = $state<T[]>([]);
  total = $state<number | null>(null);
  loading = $state(false);
  /** Whether an answer came at least once: before it there is nothing to say. */
  loaded = $state(false);
  problem = $state<Problem | null>(null);
  next = $state<string | null>(null);
  #path: string;
  #abort: AbortController | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the first page; an answer that is still under way is forgotten. */
  async load(query: Query = {}): Promise<void> {
    await this.#read(this.#path, query, 'anew');
  }

  async more(): Promise<void> {
    if (this.next && !this.loading) await this.#read(this.next, {}, 'on');
  }

  async #read(path: string, query: Query, how: 'anew' | 'on'): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.loading = true;
    try {
      const { data, next, total } = await api.read<T[]>(path, query, abort.signal);
      if (abort.signal.aborted) return;
      this.items = how === 'anew' ? data : [...this.items, ...data];
      this.next = next;
      this.total = total;
      this.problem = null;
      this.loaded = true;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.problem = asProblem(error);
    } finally {
      if (this.#abort === abort) this.loading = false;
    }
  }
}

/** One object of the server with its version. */
export class Loaded<T> {
  value = $state<T | null>(null);
  etag = $state<string | null>(null);
  loading = $state(false);
  problem = $state<Problem | null>(null);
  #ticket = 0;

  async load(path: string, query: Query = {}): Promise<T | null> {
    const ticket = ++this.#ticket;
    this.loading = true;
    try {
      const { data, etag } = await api.read<T>(path, query);
      if (ticket !== this.#ticket) return null;
      this.value = data;
      this.etag = etag;
      this.problem = null;
      return data;
    } catch (error) {
      if (ticket === this.#ticket) this.problem = asProblem(error);
      return null;
    } finally {
      if (ticket === this.#ticket) this.loading = false;
    }
  }
}

/** Whatever was thrown, as something that can be shown. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem({ detail: error instanceof Error ? error.message : String(error) });
}
