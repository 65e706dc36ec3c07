// Status, people and phones, administration, one's own account.
import type { Page } from '../pages';

export const pages: Page[] = [];
