// Days in the PBX's time zone as moments: the browser's own zone may be another. Pure.

/** How far the zone's clock is ahead of UTC at a moment, in milliseconds. */
function ahead(moment: number, zone: string): number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
  });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'], part['hour'], part['minute'], part['second']) - Math.floor(moment / 1000) * 1000;
}

/** When the day `2026-11-23`, or the one `later` days after it, begins in the zone; null if it is no day. */
export function dayBegins(day: string, zone: string, later = 0): Date | null {
  const utc = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(utc)) return null;
  const wanted = utc + later * 86_400_000;
  // Twice: the first guess may lie on the other side of a change to summer time.
  const first = wanted - ahead(wanted, zone);
  return new Date(wanted - ahead(first, zone));
}

/** The day of a moment in the zone: `2026-11-23`. */
export function dayOf(moment: Date, zone: string): string {
  return new Date(moment.getTime() + ahead(moment.getTime(), zone)).toISOString().slice(0, 10);
}
