// Puts .br and .gz siblings beside each text file of a build, so that the server never compresses anything itself.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const TEXT = /\.(html|js|css|svg|json|txt|webmanifest)$/;
// What a browser loads before the first page shows: more makes the sign-in slow on a telephone's line.
const FIRST_PAGE_LIMIT = 120 * 1024;
const root = new URL('../dist/admin', import.meta.url).pathname;

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sizes = new Map();
for (const path of files(root).filter((path) => TEXT.test(path))) {
  const text = readFileSync(path);
  const gzip = gzipSync(text, { level: 9 });
  writeFileSync(`${path}.gz`, gzip);
  writeFileSync(`${path}.br`, brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  sizes.set(path.slice(root.length), gzip.length);
}

const page = readFileSync(join(root, 'index.html'), 'utf8');
const first = ['/index.html', ...[...page.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css|svg))"/g)].map((match) => match[1])];
const total = first.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
console.log(`first page: ${first.length} files, ${(total / 1024).toFixed(1)} KB gzip`);
if (total > FIRST_PAGE_LIMIT) {
  console.error(`the first page is larger than ${FIRST_PAGE_LIMIT / 1024} KB gzip: load something later`);
  process.exit(1);
}
