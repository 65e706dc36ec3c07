// Definitions, security, network, advanced options, logs and revisions.
import type { Page } from '../pages';

export const pages: Page[] = [];
