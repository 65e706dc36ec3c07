// What the browser can say about a field before the server is asked; the server judges again, and has the last word.

import { durationSeconds } from '$lib/format';

/** A span of time as settings write it, of at least `least` seconds. */
export function spanFault(text: string, fault: string, least = 0): string | null {
  const seconds = /^\d+(ms|s|m|h|d)$/.test(text.trim()) ? durationSeconds(text) : null;
  return seconds === null || seconds < least ? fault : null;
}

/** A whole number between two. */
export function wholeFault(value: number, least: number, most: number, fault: string): string | null {
  return Number.isInteger(value) && value >= least && value <= most ? null : fault;
}

/** A text of a certain form. */
export function formFault(text: string, form: RegExp, fault: string): string | null {
  return form.test(text.trim()) ? null : fault;
}

export const EMAIL = /^[^\s@<>]+@[^\s@<>]+$/;

/** The lines of a field that holds a list, one on each; empty ones are none. */
export function listOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

export type SpanUnit = 'second' | 'minute' | 'hour' | 'day';

/** A span as a whole number of the largest unit that fits, for words: 90 s stay 90 seconds, 120 s are 2 minutes. */
export function largestUnit(seconds: number): [number, SpanUnit] {
  const units: [number, SpanUnit][] = [
    [86_400, 'day'],
    [3_600, 'hour'],
    [60, 'minute'],
  ];
  const found = units.find(([size]) => seconds >= size && seconds % size === 0 && !(size === 86_400 && seconds === size));
  return found ? [seconds / found[0], found[1]] : [seconds, 'second'];
}

/** Pairs of value and label as a select takes them. */
export function choices(pairs: readonly (readonly [string, string])[]): { value: string; label: string }[] {
  return pairs.map(([value, label]) => ({ value, label }));
}
