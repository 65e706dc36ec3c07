// Roles to choose from. Who may not administer chooses none but the plain person (the server holds to it too).
import { t } from '$lib/messages/en';
import type { Role } from '$lib/types';

export const ROLES: readonly Role[] = ['user', 'full', 'operator', 'read-only', 'auditor'];
export const roleOptions = ROLES.map((value) => ({ value, label: t.roles[value].name }));
