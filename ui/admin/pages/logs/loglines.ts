// A log's lines: taken apart, searched, and written as a page to keep. Everything in them may come from an attacker, so
// they are text and nothing else. Not here: where they come from (`follow`).

import { precise } from '../../../lib/format';

export type LogName = 'security' | 'auth' | 'config' | 'warning' | 'error' | 'debug';
export const LOG_NAMES: readonly LogName[] = ['security', 'auth', 'config', 'warning', 'error', 'debug'];

/** Lines kept on the page; older ones leave. As many as are searched in one blink. */
export const MAX_LINES = 5000;
/** Longest line kept; the server writes none as long, so whatever is beyond did not come from it. */
export const MAX_LINE = 16_384;

export interface LogLine {
  /** Counts up; a key for lists. */
  id: number;
  /** As the server wrote it: UTC. */
  time: string;
  /** The same in the PBX's zone. */
  shown: string;
  level: string;
  event: string;
  text: string;
  raw: string;
}

/** Takes a line apart: time, level, event, the rest. */
export function parseLine(raw: string, id: number): LogLine {
  const [time = '', level = '', event = '', ...rest] = raw.trimEnd().slice(0, MAX_LINE).split(' ');
  const at = new Date(time);
  return { id, time, shown: Number.isNaN(at.getTime()) ? time : precise(at, new Date()), level, event, text: rest.join(' '), raw };
}

/** A text cut where the searched words stand, so that a page can mark them. */
export interface Piece {
  text: string;
  hit: boolean;
}

/** Cuts `text` at each occurrence of `wanted`, whatever its case. */
export function pieces(text: string, wanted: string): Piece[] {
  if (wanted === '') return [{ text, hit: false }];
  const [low, needle] = [text.toLowerCase(), wanted.toLowerCase()];
  // Some letters change their length with their case; then places in one text are none in the other.
  if (low.length !== text.length) return [{ text, hit: low.includes(needle) }];
  const found: Piece[] = [];
  let from = 0;
  for (let at = low.indexOf(needle); at >= 0; at = low.indexOf(needle, from)) {
    if (at > from) found.push({ text: text.slice(from, at), hit: false });
    found.push({ text: text.slice(at, at + needle.length), hit: true });
    from = at + needle.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), hit: false });
  return found;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for HTML, in elements and in quoted attributes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? '');
}

/** A page of its own with the lines; it runs no script, whatever stands in a line. */
export function asHtml(title: string, columns: readonly string[], lines: readonly LogLine[], wanted: string): string {
  const marked = (text: string) =>
    pieces(text, wanted)
      .map((piece) => (piece.hit ? `<mark>${escapeHtml(piece.text)}</mark>` : escapeHtml(piece.text)))
      .join('');
  const rows = lines.map(
    (line) =>
      `<tr class="${/^[a-z]+$/.test(line.level) ? line.level : 'other'}">` +
      [line.time, line.level, line.event, line.text].map((cell) => `<td>${marked(cell)}</td>`).join('') +
      '</tr>',
  );
  const head = columns.map((column) => `<th scope="col">${escapeHtml(column)}</th>`).join('');
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
    `<title>${escapeHtml(title)}</title>`,
    '<style>body{font:13px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse;width:100%}',
    'th,td{text-align:left;vertical-align:top;padding:2px 10px 2px 0;border-bottom:1px solid #ddd}',
    'td{font-family:ui-monospace,monospace;overflow-wrap:anywhere}td:nth-child(-n+3){white-space:nowrap}',
    '.error td:nth-child(2){color:#b00020}.warning td:nth-child(2){color:#8a5300}mark{background:#ffe58a}</style>',
    `</head><body><h1>${escapeHtml(title)}</h1><table><thead><tr>${head}</tr></thead><tbody>`,
    rows.join('\n'),
    '</tbody></table></body></html>\n',
  ].join('\n');
}
