// Which pages there are: path, how it is loaded, who may see it, and where the navigation shows it. A page that is not
// here is not in the navigation. Each area has its own list under registry/.
import type { Component } from 'svelte';
import type { IconName } from '$lib/components/icons';
import { t } from '$lib/messages/en';
import type { Permission } from '$lib/types';
import { pages as frame } from './registry/frame';
import { pages as security } from './registry/security';
import { pages as status } from './registry/status';

/** What each page component is given. */
export interface PageProps {
  /** The parts of the path that its pattern names: `/extensions/:number`. */
  params: Record<string, string>;
}

export interface Page {
  path: string;
  label: string;
  permission: Permission;
  // A page without parameters in its path need not declare the property.
  load: () => Promise<{ default: Component<any> }>;
  icon?: IconName;
  /** Where the navigation shows it; without: nowhere, as for a page that a list leads to. */
  group?: Group;
}

export type Group = 'top' | 'status' | 'people' | 'definitions' | 'security' | 'network' | 'advanced' | 'records' | 'administration';

/** The navigation's groups in their order. */
export const GROUPS: { group: Group; label: string | null }[] = [
  { group: 'top', label: null },
  { group: 'status', label: t.nav.status },
  { group: 'people', label: t.nav.people },
  { group: 'definitions', label: t.nav.definitions },
  { group: 'security', label: t.nav.security },
  { group: 'network', label: t.nav.network },
  { group: 'advanced', label: t.nav.advanced },
  { group: 'records', label: t.nav.records },
  { group: 'administration', label: t.nav.administration },
];

export const pages: Page[] = [...frame, ...status, ...security];
