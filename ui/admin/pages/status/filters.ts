// What the history page is asked for, as it stands in the URL, and what the server is asked from it. Pure.
import type { Query } from '$lib/api';
import { dayBegins, dayOf } from '$lib/days';

export type Period = 'today' | 'day' | 'week' | 'month' | 'all' | 'own';
export const PERIODS: readonly Period[] = ['today', 'day', 'week', 'month', 'all', 'own'];
const DAY_MS = 86_400_000;
const BACK_MS: Partial<Record<Period, number>> = { day: DAY_MS, week: 7 * DAY_MS, month: 30 * DAY_MS };

/** The period of a URL; a week where it says none, which keeps a substring search quick. */
export function periodOf(query: URLSearchParams): Period {
  const word = query.get('period');
  return PERIODS.find((period) => period === word) ?? 'week';
}

/** From when to when, in the PBX's zone; the end is not part of it. */
function bounds(query: URLSearchParams, now: Date, zone: string): { since?: string; until?: string } {
  const period = periodOf(query);
  if (period === 'today') return { since: dayBegins(dayOf(now, zone), zone)?.toISOString() };
  if (period === 'own') {
    return { since: dayBegins(query.get('since') ?? '', zone)?.toISOString(), until: dayBegins(query.get('until') ?? '', zone, 1)?.toISOString() };
  }
  const back = BACK_MS[period];
  return back ? { since: new Date(now.getTime() - back).toISOString() } : {};
}

/** The server's parameters; the same for the list and for the CSV. */
export function historyQuery(query: URLSearchParams, now: Date, zone: string): Query {
  return {
    ...bounds(query, now, zone),
    search: query.get('search'),
    number: query.get('number'),
    result: query.get('result'),
    direction: query.get('direction'),
    order: query.get('order') === 'oldest' ? 'oldest' : 'newest',
  };
}
