// Every word that the console shows, by area. Another language is another object of this type.
import { dashboard } from './en/dashboard';
import { collision, extensions } from './en/extensions';
import { common, errors, nav, parts, shell, signIn } from './en/frame';
import { account, administrators, audit, permissions, roles, sessions, tokens, users } from './en/people';
import { setup } from './en/setup';
import { calls, dialPlan, history, registrations } from './en/status';

export const t = {
  nav,
  dashboard,
  common,
  errors,
  parts,
  shell,
  signIn,
  setup,
  calls,
  registrations,
  dialPlan,
  history,
  extensions,
  collision,
  roles,
  permissions,
  users,
  administrators,
  sessions,
  tokens,
  audit,
  account,
};

export type Messages = typeof t;
