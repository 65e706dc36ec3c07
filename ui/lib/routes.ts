// Which page a path means. Pure: the browser's history is in router.svelte.ts.

/** The parameters of a path by a pattern such as `/extensions/:number`; null where it does not match. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/').filter(Boolean);
  const given = path.split('/').filter(Boolean);
  if (wanted.length !== given.length) return null;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) {
      try {
        parameters[part.slice(1)] = decodeURIComponent(value);
      } catch {
        return null;
      }
    } else if (part !== value) {
      return null;
    }
  }
  return parameters;
}

/** The first of the routes that a path means; a route without parameters goes before one with. */
export function find<R extends { path: string }>(routes: readonly R[], path: string): { route: R; params: Record<string, string> } | null {
  let found: { route: R; params: Record<string, string> } | null = null;
  for (const route of routes) {
    const params = match(route.path, path);
    if (params && (!found || Object.keys(params).length < Object.keys(found.params).length)) found = { route, params };
  }
  return found;
}
