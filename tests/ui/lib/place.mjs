// Where a test lives: a folder and a loopback address of its own, so that tests run side by side.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let hosts = 0;

/** A loopback address that no other test uses; Linux answers on all of 127.0.0.0/8. */
export function address() {
  hosts += 1;
  const process_id = process.pid & 0xffff;
  return `127.${150 + (process_id >> 8) % 50}.${process_id & 0xff}.${hosts}`;
}

let ports = 0;

/** A port at 127.0.0.1 that no other test uses, eight for each process: beyond phones' audio, below what the drivers in Rust take. */
export function port() {
  ports += 1;
  return 21_000 + (process.pid % 400) * 16 + ports * 2 - 2;
}

/** A new folder, gone when `t` (a test's context) ends. */
export function folder(t, name) {
  const path = mkdtempSync(join(tmpdir(), `ui-${name}-`));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Waits until `look` gives something, asking again and again; fails with `what` after `seconds`. */
export async function until(what, look, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
