// A user as the form edits it, and its fields in words. Pure.
import { t } from '$lib/messages/en';
import type { Role, User } from '$lib/types';

/** What can be written of a user. */
export interface Draft {
  login: string;
  name: string;
  email: string;
  role: Role;
  extensions: string[];
}

export const blank = (role: Role): Draft => ({ login: '', name: '', email: '', role, extensions: [] });

/** Without what the server adds. */
export function ownPart(user: User | Draft): Draft {
  return { login: user.login, name: user.name, email: user.email ?? '', role: user.role, extensions: [...user.extensions] };
}

const LABELS: Record<string, string> = { login: t.users.login, name: t.users.name, email: t.users.email, role: t.users.role, extensions: t.users.extensions };
export const labelOf = (path: string) => LABELS[path] ?? path;

export function words(path: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(', ');
  if (path === 'role') return t.roles[value as Role]?.name ?? String(value);
  return value === null || value === undefined ? '' : String(value);
}
