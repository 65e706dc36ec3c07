// Runs the unit tests under tests/: bundled by Vite (types, aliases), run by Node's own test runner.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build } from 'vite';

const ui = fileURLToPath(new URL('..', import.meta.url));
const out = join(ui, 'node_modules/.tests');
const names = readdirSync(join(ui, 'tests')).filter((name) => name.endsWith('.test.ts'));
await build({
  root: ui,
  configFile: false,
  logLevel: 'warn',
  resolve: { alias: { $lib: join(ui, 'lib') } },
  plugins: [svelte({ configFile: join(ui, 'svelte.config.js') })],
  build: {
    ssr: true,
    outDir: out,
    emptyOutDir: true,
    rollupOptions: { input: names.map((name) => join(ui, 'tests', name)), output: { entryFileNames: '[name].mjs' } },
  },
});
const tests = names.map((name) => join(out, name.replace(/\.ts$/, '.mjs')));
process.exit(spawnSync(process.execPath, ['--test', '--test-reporter=tap', ...tests], { stdio: 'inherit' }).status ?? 1);
