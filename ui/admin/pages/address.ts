// IP addresses, ranges and prefixes as administrators write them: judged at the field, before the server does it again,
// and compared, so that nobody blocks himself. Not here: host names' addresses, which only the server knows.

/** An address as a number and its family's length in bits. IPv4 written as IPv6 is IPv4. */
export interface Address {
  bits: 32 | 128;
  value: bigint;
}

/** All addresses from `first` to `last`, both included. */
export interface Span {
  bits: 32 | 128;
  first: bigint;
  last: bigint;
}

export type MemberFault = 'empty' | 'not-a-member' | 'mixed-families' | 'turned-around' | 'bits-beyond-prefix';

const MAPPED = 0xffffn << 32n;

function parseV4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function words(text: string): bigint[] | null {
  if (text === '') return [];
  const found: bigint[] = [];
  for (const part of text.split(':')) {
    if (part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === null || !text.endsWith(part)) return null;
      found.push(v4 >> 16n, v4 & 0xffffn);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      found.push(BigInt(`0x${part}`));
    } else {
      return null;
    }
  }
  return found;
}

/** IPv6 by RFC 4291 section 2.2, its third form (`::ffff:192.0.2.1`) included. */
function parseV6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(words);
  if (!head || (halves.length === 2 && !tail)) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array<bigint>(missing).fill(0n), ...(tail ?? [])];
  return all.reduce((value, word) => (value << 16n) | word, 0n);
}

/** Reads one address; `null` if it is none. */
export function parseAddress(text: string): Address | null {
  const v4 = parseV4(text);
  if (v4 !== null) return { bits: 32, value: v4 };
  const v6 = text.includes(':') ? parseV6(text) : null;
  if (v6 === null) return null;
  return v6 >> 32n === 0xffffn ? { bits: 32, value: v6 - MAPPED } : { bits: 128, value: v6 };
}

/** Reads an address or a prefix; `null` if it is neither or has bits beyond its length. */
export function parsePrefix(text: string): Span | null {
  const [host = '', length, more] = text.trim().split('/');
  const address = parseAddress(host);
  if (!address || more !== undefined) return null;
  if (length === undefined) return { bits: address.bits, first: address.value, last: address.value };
  if (!/^\d{1,3}$/.test(length)) return null;
  const mapped = address.bits === 32 && host.includes(':');
  const ones = Number(length) - (mapped ? 96 : 0);
  if (ones < 0 || ones > address.bits) return null;
  const rest = (1n << BigInt(address.bits - ones)) - 1n;
  return (address.value & rest) === 0n ? { bits: address.bits, first: address.value, last: address.value | rest } : null;
}

/** Whether `span` holds the address that `text` names, with or without a port behind it. */
export function holds(span: Span, text: string): boolean {
  const address = parseAddress(hostOf(text));
  return address !== null && address.bits === span.bits && span.first <= address.value && address.value <= span.last;
}

/** The address of `address:port` or `[address]:port`. */
function hostOf(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (bracketed) return bracketed[1] ?? '';
  const parts = text.split(':');
  return parts.length === 2 ? (parts[0] ?? '') : text;
}

/** Whether it is so wide a network that its block may be a slip: the server asks about the same. */
export function isWide(span: Span): boolean {
  const widest = span.bits === 32 ? 8n : 32n;
  return span.last - span.first >= 1n << (BigInt(span.bits) - widest);
}

/** Whether it is all addresses of its family. */
export function isEverybody(span: Span): boolean {
  return span.first === 0n && span.last === (1n << BigInt(span.bits)) - 1n;
}

function isHostName(name: string): boolean {
  const bare = name.replace(/\.$/, '');
  return bare.length <= 253 && bare.split('.').every((label) => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label));
}

/** What is wrong with a member of an address group as it was typed; `null`: nothing. */
export function memberFault(typed: string): MemberFault | null {
  const text = typed.trim();
  if (text === '') return 'empty';
  if (text.startsWith('group:')) return text.length > 6 ? null : 'not-a-member';
  if (text.startsWith('host:')) return isHostName(text.slice(5)) ? null : 'not-a-member';
  if (text.includes('-')) {
    const [first, last] = text.split('-', 2).map((end) => parseAddress(end.trim()));
    if (!first || !last || text.split('-').length > 2) return 'not-a-member';
    if (first.bits !== last.bits) return 'mixed-families';
    return first.value <= last.value ? null : 'turned-around';
  }
  if (parsePrefix(text)) return null;
  const host = text.split('/')[0] ?? '';
  return text.includes('/') && parseAddress(host) && /\/\d{1,3}$/.test(text) ? 'bits-beyond-prefix' : 'not-a-member';
}
