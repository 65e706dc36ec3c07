// Status, people and phones, administration, one's own account.
import { t } from '$lib/messages/en';
import type { Page } from '../pages';

export const pages: Page[] = [
  { path: '/status/calls', label: t.nav.calls, icon: 'phone', group: 'status', permission: 'view', load: () => import('../pages/status/Calls.svelte') },
  { path: '/status/registrations', label: t.nav.registrations, icon: 'plug', group: 'status', permission: 'view', load: () => import('../pages/status/Registrations.svelte') },
  { path: '/status/dial-plan', label: t.nav.dialPlan, icon: 'list', group: 'status', permission: 'view', load: () => import('../pages/status/DialPlan.svelte') },
  { path: '/status/history', label: t.nav.history, icon: 'history', group: 'status', permission: 'view', load: () => import('../pages/status/History.svelte') },
  { path: '/users', label: t.nav.users, icon: 'users', group: 'people', permission: 'view', load: () => import('../pages/users/Users.svelte') },
  { path: '/users/new', label: t.users.create, permission: 'administer', load: () => import('../pages/users/NewUser.svelte') },
  { path: '/users/:login', label: t.nav.users, permission: 'view', load: () => import('../pages/users/UserPage.svelte') },
  { path: '/extensions', label: t.nav.extensions, icon: 'desk', group: 'people', permission: 'view', load: () => import('../pages/extensions/Extensions.svelte') },
  { path: '/extensions/new', label: t.extensions.create, permission: 'configure', load: () => import('../pages/extensions/NewExtension.svelte') },
  { path: '/extensions/import', label: t.imports.title, permission: 'configure', load: () => import('../pages/extensions/Import.svelte') },
  { path: '/extensions/:number', label: t.nav.extensions, permission: 'view', load: () => import('../pages/extensions/ExtensionPage.svelte') },
  { path: '/administration/administrators', label: t.nav.administrators, icon: 'key', group: 'administration', permission: 'view', load: () => import('../pages/administration/Administrators.svelte') },
  { path: '/administration/sessions', label: t.nav.sessions, icon: 'screen', group: 'administration', permission: 'view', load: () => import('../pages/administration/Sessions.svelte') },
  { path: '/administration/tokens', label: t.nav.tokens, icon: 'plug', group: 'administration', permission: 'audit', load: () => import('../pages/administration/Tokens.svelte') },
  { path: '/administration/audit', label: t.nav.audit, icon: 'log', group: 'administration', permission: 'audit', load: () => import('../pages/administration/Audit.svelte') },
  { path: '/account', label: t.nav.account, permission: 'view', load: () => import('../pages/administration/Account.svelte') },
];
