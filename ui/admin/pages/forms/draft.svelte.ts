// A form over one object of the configuration that others may change at the same time: what was read, what was typed, and
// what to do when both went on (RFC 9110 section 13.1.1). Nothing typed is ever dropped. Not here: how fields look.

import { Problem, request } from '$lib/api';
import { asProblem } from '$lib/listing.svelte';
import { typedSince } from '$lib/merge';

/** A field that somebody else changed while it was edited here. */
export interface Clash {
  key: string;
  theirs: unknown;
}

/** The same for the server: what is not there is what is `null`, and order of keys says nothing. */
const plain = (value: unknown): unknown => {
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, part]) => part !== null && part !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, part]) => [key, plain(part)]));
};
const same = (left: unknown, right: unknown): boolean => JSON.stringify(plain(left)) === JSON.stringify(plain(right));

export class Draft<T extends object> {
  /** What stands in the fields. */
  value = $state<T | null>(null);
  /** What is wrong with the whole; `null`: nothing. */
  problem = $state<Problem | null>(null);
  /** Fields that both changed; `null`: nobody interfered. */
  clash = $state<Clash[] | null>(null);
  saving = $state(false);
  /** Notes that the server made about the last save. */
  notes = $state<string[]>([]);
  /** Whether more than the fields waits to be saved: a new password. */
  also: () => boolean = () => false;
  private base = $state.raw<T | null>(null);
  private etag = '*';
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether something was typed that is not saved. */
  get dirty(): boolean {
    return this.value !== null && (this.also() || !same(this.value, this.base));
  }

  changed(key: keyof T): boolean {
    return this.value !== null && !same(this.value[key], this.base?.[key]);
  }

  /** What the server said is wrong with a field, or with what is within it. */
  fault(key: string): string | undefined {
    const found = [...(this.problem?.fields ?? [])].filter(([field]) => field === key || field.startsWith(`${key}.`));
    return found.length > 0 ? found.map(([, text]) => text).join(' ') : undefined;
  }

  /** Reads it anew. What was typed since it was read or `sent` stays, also while the answer is on its way. */
  async load(sent: T | null = this.base): Promise<void> {
    try {
      const { data, etag } = await request<T>('GET', this.path);
      const now = $state.snapshot(this.value) as T | null;
      this.settle(data, etag, sent && now ? typedSince(sent, now, data) : data);
    } catch (why) {
      this.problem = asProblem(why);
    }
  }

  private settle(data: T, etag: string | null, shown: T): void {
    this.base = data;
    this.value = structuredClone(shown);
    this.etag = etag ?? '*';
    this.problem = null;
    this.clash = null;
  }

  /** Gives up what was typed. */
  reset(): void {
    if (this.base) this.settle(this.base, this.etag, this.base);
  }

  /** Sends what was typed; the answer, or `null` if it was refused. `extra` goes along and is not read back. */
  async save<A extends object = Record<string, unknown>>(extra: object = {}): Promise<A | null> {
    if (!this.value || this.saving) return null;
    this.saving = true;
    this.problem = null;
    this.notes = [];
    try {
      const sent = $state.snapshot(this.value) as T;
      const body = { ...(plain(sent) as object), ...extra };
      const { data } = await request<A & { notes?: string[] }>('PUT', this.path, { body, etag: this.etag });
      // Read again for its tag: the next save names it.
      await this.load(sent);
      this.notes = data.notes ?? [];
      return data;
    } catch (why) {
      await this.refused(asProblem(why));
      return null;
    } finally {
      this.saving = false;
    }
  }

  private async refused(problem: Problem): Promise<void> {
    if (problem.code === 'changed-meanwhile' || problem.status === 412) return this.merge();
    this.problem = problem;
  }

  /** Takes over what others changed elsewhere; where both changed the same, what was typed here stays and is shown. */
  private async merge(): Promise<void> {
    try {
      const { data: theirs, etag } = await request<T>('GET', this.path);
      const [mine, base] = [$state.snapshot(this.value) as T, this.base as T];
      const clash: Clash[] = [];
      const merged = { ...theirs };
      for (const key of Object.keys({ ...mine, ...base }) as (keyof T & string)[]) {
        if (same(mine[key], base[key]) || same(mine[key], theirs[key])) continue;
        merged[key] = mine[key];
        if (!same(base[key], theirs[key])) clash.push({ key, theirs: theirs[key] });
      }
      this.base = theirs;
      this.value = merged;
      this.etag = etag ?? '*';
      this.clash = clash;
    } catch (why) {
      this.problem = asProblem(why);
    }
  }
}
