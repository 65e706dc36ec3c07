// Builds the console into dist/admin: one page, hashed assets, nothing inline (the Content-Security-Policy forbids it).
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('./admin'),
  base: '/',
  resolve: { alias: { $lib: here('./lib') } },
  plugins: [svelte({ configFile: here('./svelte.config.js') })],
  build: {
    outDir: here('./dist/admin'),
    emptyOutDir: true,
    // Browsers that know light-dark() and the popover attribute: nothing has to be lowered.
    target: ['chrome123', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // For work on the pages against a running Ringwall: RINGWALL=https://127.0.0.1:4021 npx vite
    proxy: process.env['RINGWALL'] ? { '/api': { target: process.env['RINGWALL'], secure: false } } : {},
  },
});
