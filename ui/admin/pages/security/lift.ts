// Lifting a block, asked first: the same way on each page that shows who is blocked.
import { request } from '$lib/api';
import { asProblem } from '$lib/listing.svelte';
import { t } from '$lib/messages/en';
import { confirm, toast } from '$lib/notices.svelte';
import { problemText } from '$lib/problems';

/** Lifts the block of an address or network, if that is meant. Whether the list may look different now. */
export async function lift(address: string): Promise<boolean> {
  const words = t.security.blocks;
  if (!(await confirm({ title: words.liftTitle(address), text: words.liftText, action: words.lift }))) return false;
  try {
    await request('DELETE', `/blocks/${encodeURIComponent(address)}`);
    toast(words.lifted(address));
  } catch (why) {
    toast(problemText(asProblem(why)), 'bad');
  }
  return true;
}
