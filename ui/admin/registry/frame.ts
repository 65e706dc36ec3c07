// The frame's own pages.
import { t } from '$lib/messages/en';
import type { Page } from '../pages';

export const pages: Page[] = [
  { path: '/', label: t.nav.dashboard, icon: 'dashboard', group: 'top', permission: 'view', load: () => import('../pages/Dashboard.svelte') },
];
