// Svelte's settings, for Vite and svelte-check alike: runes everywhere; an accessibility warning is an error (`check`).
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess({ style: false }),
  compilerOptions: { runes: true },
};
