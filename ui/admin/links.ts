// Links between pages, given only where the page exists and one may see it: no dead ends.
import { session } from '$lib/session.svelte';
import { find } from '$lib/routes';
import { pages } from './pages';

/** The path, if its page is there for who is signed in. */
export function shown(path: string): string | undefined {
  const found = find(pages, path.split('?')[0] ?? path);
  return found && session.can(found.route.permission) ? path : undefined;
}

// Where each finding of the check is mended, by the first word of its id.
const CURES: Record<string, string> = {
  sip: '/network/firewall',
  listeners: '/network/ports',
  firewall: '/definitions/address-groups',
  proxies: '/network/firewall',
  'sip-passwords': '/extensions',
  digest: '/extensions',
  administrators: '/administration/administrators',
  encryption: '/extensions',
  certificate: '/advanced/certificates',
  mail: '/advanced/mail',
  guessing: '/security/guessing',
  trusted: '/security/guessing',
};

/** The page where a finding of the check is mended, if there is one. */
export function cure(finding: string): string | undefined {
  const path = CURES[finding.split('.')[0] ?? ''];
  return path ? shown(path) : undefined;
}
