// Every word that the console shows, by area. Another language is another object of this type.
import { advanced } from './en/advanced';
import { dashboard } from './en/dashboard';
import { collision, extensions } from './en/extensions';
import { form } from './en/form';
import { common, errors, nav, parts, shell, signIn } from './en/frame';
import { fileText, imports } from './en/imports';
import { firewall, groups, kernel, ports } from './en/network';
import { account, administrators, audit, permissions, roles, sessions, tokens, users } from './en/people';
import { logs, revisions } from './en/records';
import { security } from './en/security';
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
  imports,
  fileText,
  roles,
  permissions,
  users,
  administrators,
  sessions,
  tokens,
  audit,
  account,
  form,
  security,
  firewall,
  kernel,
  ports,
  groups,
  advanced,
  logs,
  revisions,
};

export type Messages = typeof t;
