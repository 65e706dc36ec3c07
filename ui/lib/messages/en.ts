// Every word that the console shows, by area. Another language is another object of this type.
import { dashboard } from './en/dashboard';
import { common, errors, nav, parts, shell, signIn } from './en/frame';
import { setup } from './en/setup';

export const t = {
  nav,
  dashboard,
  common,
  errors,
  parts,
  shell,
  signIn,
  setup,
};

export type Messages = typeof t;
