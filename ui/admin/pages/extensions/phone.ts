// What a phone is told as its server.
import { api } from '$lib/api';

/** The office's SIP domain; the name that this page was opened by where none is set yet. */
export async function serverOf(opened: string): Promise<string> {
  try {
    const { domain } = await api.get<{ domain: string }>('/settings/system');
    return domain && domain !== 'localhost' ? domain : opened;
  } catch {
    return opened;
  }
}
