// Two people changed the same object: what each of them changed, and one object of both. Pure. Fields are paths such
// as `forwarding.busy`; a list counts as one value. And one person who goes on typing while what he typed is sent.

export type Plain = Record<string, unknown>;

export interface Difference {
  path: string;
  before: unknown;
  mine: unknown;
  theirs: unknown;
  /** Both changed it, and not alike: somebody must choose. */
  contested: boolean;
}

const isTable = (value: unknown): value is Plain => typeof value === 'object' && value !== null && !Array.isArray(value);
const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

function at(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isTable(value) ? value[key] : undefined), object);
}

function paths(object: Plain, prefix = ''): string[] {
  return Object.entries(object).flatMap(([key, value]) => (isTable(value) ? paths(value, `${prefix}${key}.`) : [prefix + key]));
}

/** What the other one changed since `before`. */
export function differences(before: Plain, mine: Plain, theirs: Plain): Difference[] {
  const all = new Set([...paths(before), ...paths(mine), ...paths(theirs)]);
  // Where one side has a table and the other nothing, the longer paths say it.
  const leaves = [...all].filter((path) => ![...all].some((other) => other.startsWith(`${path}.`)));
  return leaves
    .map((path) => ({ path, before: at(before, path), mine: at(mine, path), theirs: at(theirs, path) }))
    .filter(({ before, theirs }) => !same(before, theirs))
    .map((found) => ({ ...found, contested: !same(found.mine, found.before) && !same(found.mine, found.theirs) }));
}

/** `mine` with the other one's values at the paths. */
export function taking(mine: Plain, theirs: Plain, chosen: readonly string[]): Plain {
  const merged = structuredClone(mine);
  for (const path of chosen) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let table = merged;
    for (const key of keys) {
      if (!isTable(table[key])) table[key] = {};
      table = table[key] as Plain;
    }
    table[last] = structuredClone(at(theirs, path));
  }
  return merged;
}

/** What the server answered to `sent`, but for the fields in which something was typed since: those stay as they are `now`. */
export function typedSince<T extends object>(sent: T, now: T, answered: T): T {
  const kept = structuredClone(answered);
  for (const key of Object.keys(now) as (keyof T)[]) {
    if (!same(now[key], sent[key])) kept[key] = now[key];
  }
  return kept;
}
