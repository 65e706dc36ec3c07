// The one door to /api/v1: credentials, the header that each write carries, versions (ETag), paging (Link), and
// errors as `Problem`. When the session has ended it asks the shell to sign in again and then repeats the request, so
// nothing typed is lost. No state of pages here.
import { t } from './messages/en';
import { markPresence } from './presence';
import type { FieldProblem, ProblemBody } from './types';

export const BASE = '/api/v1';

/** What the server or the network said instead of an answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly problems: FieldProblem[];

  constructor(body: Partial<ProblemBody>) {
    super(body.detail ?? body.title ?? '');
    this.name = 'Problem';
    this.status = body.status ?? 0;
    this.code = body.code ?? 'failed';
    this.problems = body.problems ?? [];
  }

  /** What is wrong with each field, by its key. */
  get fields(): Map<string, string> {
    const fields = new Map<string, string>();
    for (const { key, line, what, cure } of this.problems) {
      if (!key) continue;
      const text = line ? t.errors.atLine(line, sentence(what, cure)) : sentence(what, cure);
      fields.set(key, fields.has(key) ? `${fields.get(key)} ${text}` : text);
    }
    return fields;
  }
}

/** What is wrong and what to do, as one text. */
export function sentence(what: string, cure?: string): string {
  const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  const stop = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);
  return cure ? `${stop(upper(what))} ${stop(upper(cure))}` : stop(upper(what));
}

export interface Answer<T> {
  data: T;
  /** The object's version, for `If-Match`. */
  etag: string | null;
  /** Path of the next page. */
  next: string | null;
  /** How many there are in all pages. */
  total: number | null;
}

export interface Options {
  /** Sent as JSON; what is a `Blob` is sent as it is. */
  body?: unknown;
  /** The version that may be overwritten; `*` for any. */
  etag?: string | null;
  signal?: AbortSignal;
  /** A 401 is an answer here, and no reason to ask for the password again: for the sign-in itself. */
  signIn?: boolean;
  /** `text` for a body that is no JSON. */
  as?: 'json' | 'text';
}

export type Query = Record<string, string | number | boolean | null | undefined>;

let signInAgain: (() => Promise<void>) | null = null;

/** Who is asked when a session has ended; the promise is kept when somebody is signed in again. */
export function onSignedOut(ask: (() => Promise<void>) | null): void {
  signInAgain = ask;
}

/** A path with its query; empty values are left out. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(key, String(value));
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

/** The target of `rel="next"` in a Link header (RFC 8288), without the API's base. */
export function nextPage(link: string | null): string | null {
  if (!link) return null;
  for (const part of link.split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]*)>\s*;(.*)$/s.exec(part);
    if (!match || !/(^|;)\s*rel="?next"?\s*(;|$)/i.test(match[2] ?? '')) continue;
    const url = new URL(match[1] ?? '', 'https://server.invalid' + BASE + '/');
    return (url.pathname + url.search).replace(BASE, '');
  }
  return null;
}

/** A request below /api/v1, answered or thrown as a `Problem`. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<Answer<T>> {
  for (;;) {
    const response = await send(method, path, options);
    if (response.ok) return answer<T>(response, options.as ?? 'json');
    const problem = await problemOf(response);
    if (response.status === 401 && problem.code === 'signed-out' && signInAgain && !options.signIn) {
      await signInAgain();
      continue;
    }
    throw problem;
  }
}

async function send(method: string, path: string, options: Options): Promise<Response> {
  const headers = new Headers({ Accept: options.as === 'text' ? 'text/plain, application/problem+json' : 'application/json' });
  if (method === 'GET') markPresence(headers);
  else headers.set('X-Ringwall', '1');
  if (options.etag) headers.set('If-Match', options.etag);
  const init: RequestInit = { method, headers, credentials: 'same-origin', cache: 'no-store', redirect: 'error' };
  if (options.signal) init.signal = options.signal;
  if (options.body instanceof Blob) {
    headers.set('Content-Type', options.body.type);
    init.body = options.body;
  } else if (options.body !== undefined) {
    headers.set('Content-Type', 'application/json');
    init.body = JSON.stringify(options.body);
  }
  try {
    return await fetch(BASE + path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem({ code: 'unreachable' });
  }
}

async function answer<T>(response: Response, as: 'json' | 'text'): Promise<Answer<T>> {
  const text = await response.text();
  const total = response.headers.get('X-Total-Count');
  return {
    data: (as === 'text' ? text : text ? JSON.parse(text) : undefined) as T,
    etag: response.headers.get('ETag'),
    next: nextPage(response.headers.get('Link')),
    total: total === null ? null : Number(total),
  };
}

async function problemOf(response: Response): Promise<Problem> {
  const bare = { status: response.status, title: response.statusText };
  try {
    return new Problem({ ...bare, ...((await response.json()) as ProblemBody) });
  } catch {
    return new Problem(bare);
  }
}

export const api = {
  /** The answer with version and paging. */
  read: <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
    request<T>('GET', withQuery(path, query), signal ? { signal } : {}),
  get: async <T>(path: string, query: Query = {}, signal?: AbortSignal) =>
    (await request<T>('GET', withQuery(path, query), signal ? { signal } : {})).data,
  text: async (path: string, query: Query = {}, signal?: AbortSignal) =>
    (await request<string>('GET', withQuery(path, query), signal ? { signal, as: 'text' } : { as: 'text' })).data,
  post: async <T>(path: string, body?: unknown, options: Options = {}) =>
    (await request<T>('POST', path, { ...options, body })).data,
  put: async <T>(path: string, body: unknown, etag?: string | null) =>
    (await request<T>('PUT', path, { body, etag: etag ?? null })).data,
  delete: async <T = void>(path: string, etag?: string | null, body?: unknown) =>
    (await request<T>('DELETE', path, { etag: etag ?? null, body })).data,
};
