// Numbers and times as text, in the reader's language and the PBX's time zone.

let zone: string | undefined;
const formats = new Map<string, Intl.DateTimeFormat>();
const LANGUAGE = 'en-GB';

/** The zone that times are shown in; a name that the browser does not know leaves its own. */
export function useZone(name: string | undefined): void {
  try {
    if (name) new Intl.DateTimeFormat(LANGUAGE, { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
  formats.clear();
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  let format = formats.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(LANGUAGE, zone ? { ...options, timeZone: zone } : options);
    formats.set(key, format);
  }
  return format;
}

const DAY: Intl.DateTimeFormatOptions = { year: 'numeric', month: '2-digit', day: '2-digit' };
const CLOCK: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };

/** `14:03:22`. */
export function clock(time: Date): string {
  return dates(CLOCK).format(time);
}

/** `14:03:22` today, `21 Nov, 14:03` this year, `21 Nov 2025, 14:03` before. */
export function moment(time: Date, now: Date): string {
  if (dates(DAY).format(time) === dates(DAY).format(now)) return clock(time);
  const options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  const year = dates({ year: 'numeric' });
  return dates(year.format(time) === year.format(now) ? options : { ...options, year: 'numeric' }).format(time);
}

const MILLIS: Intl.DateTimeFormatOptions = { ...CLOCK, fractionalSecondDigits: 3 };

/** `14:03:22.125` today, `21 Nov, 14:03:22.125` else. */
export function precise(time: Date, now: Date): string {
  const today = dates(DAY).format(time) === dates(DAY).format(now);
  return dates(today ? MILLIS : { ...MILLIS, day: 'numeric', month: 'short' }).format(time);
}

/** `21 Nov 2026`. */
export function day(time: Date): string {
  return dates({ day: 'numeric', month: 'short', year: 'numeric' }).format(time);
}

/** `Saturday 21 November 2026 at 14:03:22 CET`. */
export function exact(time: Date): string {
  return dates({ dateStyle: 'full', timeStyle: 'long', hourCycle: 'h23' }).format(time);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];
const relatives = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** `3 min. ago`, `in 2 hr.`, `now`. */
export function relative(time: Date, now: Date): string {
  const seconds = Math.round((time.getTime() - now.getTime()) / 1000);
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return relatives.format(Math.trunc(seconds / size), unit);
  }
  return relatives.format(0, 'second');
}

/** `0:07`, `12:30`, `1:02:03`: how long a call lasts. */
export function length(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** `45 s`, `12 min`, `5 h 3 min`, `12 d 4 h`: for how long something runs or waits. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3_600), 'h'],
    [Math.floor((whole % 3_600) / 60), 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return '0 s';
  // From minutes on, seconds say nothing.
  const shown = parts.slice(first, first >= 2 ? first + 1 : first + 2).filter(([n]) => n > 0);
  return shown.map(([n, unit]) => `${n} ${unit}`).join(' ');
}

const counts = new Intl.NumberFormat('en');

/** `12,345`. */
export function count(n: number): string {
  return counts.format(n);
}

/** `0.4` and the like, at most so many digits after the point. */
export function decimal(n: number, digits = 1): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: digits }).format(n);
}

const DURATION = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)\s*$/;
const UNIT_S: Record<string, number> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** The seconds of a duration as settings write it (`90s`, `5m`, `2h`); null if it is none. */
export function durationSeconds(text: string): number | null {
  const match = DURATION.exec(text);
  return match ? Number(match[1]) * (UNIT_S[match[2] ?? ''] ?? 0) : null;
}
