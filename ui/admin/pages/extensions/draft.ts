// An extension as the form edits it, and its fields in words. Pure.
import { t } from '$lib/messages/en';
import type { Extension, Line } from '$lib/types';

/** What can be written of an extension. */
export type Draft = Pick<Extension, 'number' | 'description' | 'nat' | 'encryption' | 'lines' | 'forwarding' | 'do_not_disturb'>;

const RING_FOR = '20s';

export function blank(): Draft {
  return { number: '', description: '', nat: false, encryption: 'optional', lines: [], forwarding: { always: null, busy: null, no_answer: null, unreachable: null }, do_not_disturb: false };
}

/** Without what the server adds: who is registered, whose it is, its version. */
export function ownPart<T extends Draft>(extension: T): T {
  const { number, description, nat, encryption, lines, forwarding, do_not_disturb } = extension;
  return structuredClone({
    number,
    description,
    nat,
    encryption,
    lines: lines.map(({ username, digest }: Line) => ({ username, digest })),
    forwarding,
    do_not_disturb,
  }) as T;
}

/** As it is sent: an empty field is no forwarding. */
export function toSend(draft: Draft): Draft {
  const number = (text: string | null | undefined) => text?.trim() || null;
  const { always, busy, no_answer, unreachable } = draft.forwarding;
  const to = number(no_answer?.to);
  return {
    ...draft,
    number: draft.number.trim(),
    description: draft.description.trim(),
    lines: draft.lines.map(({ username, digest }) => ({ username: username.trim(), digest })),
    forwarding: {
      always: number(always),
      busy: number(busy),
      no_answer: to ? { to, after: no_answer?.after?.trim() || RING_FOR } : null,
      unreachable: number(unreachable),
    },
  };
}

const LABELS: Record<string, string> = {
  number: t.extensions.number,
  description: t.extensions.description,
  nat: t.extensions.nat,
  encryption: t.extensions.encryption,
  lines: t.extensions.lines,
  do_not_disturb: t.extensions.dnd,
  'forwarding.always': t.extensions.always,
  'forwarding.busy': t.extensions.busy,
  'forwarding.no_answer': t.extensions.noAnswer,
  'forwarding.no_answer.to': t.extensions.noAnswer,
  'forwarding.no_answer.after': t.extensions.after,
  'forwarding.unreachable': t.extensions.unreachable,
};

export const labelOf = (path: string) => LABELS[path] ?? path;

export function words(path: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? t.common.yes : t.common.no;
  if (path === 'encryption') return t.extensions.encryptions[String(value)] ?? String(value);
  if (path === 'lines' && Array.isArray(value)) return (value as Line[]).map(({ username, digest }) => `${username} (${digest})`).join(', ');
  return value === null || value === undefined ? '' : String(value);
}

/** A user name for another line that none of them has yet. */
export function suggestion(draft: Draft): string {
  const taken = new Set(draft.lines.map(({ username }) => username));
  const stem = draft.number.trim() || 'line';
  for (const word of ['desk', 'mobile', 'home', 'second']) {
    const name = t.extensions.suggested(stem, word);
    if (!taken.has(name)) return name;
  }
  return t.extensions.suggested(stem, String(draft.lines.length + 1));
}
