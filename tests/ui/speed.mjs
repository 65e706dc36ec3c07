// How fast the console is in a large office: 5,000 extensions and 1,000,000 calls in history. Prints figures and judges
// nothing: machines differ. `node speed.mjs` (the release binary must be built).
import { test } from "node:test";
import { browser, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { run } from "./lib/process.mjs";

const EXTENSIONS = 5_000;
const CALLS = 1_000_000;
const ROUNDS = 15;

const fill = `
import sqlite3, sys, random, time
base = sqlite3.connect(sys.argv[1])
random.seed(1)
alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
now = int(time.time() * 1000)
def rows():
    for n in range(${CALLS}):
        started = now - (${CALLS} - n) * 30000
        number = (started << 80) | random.getrandbits(80)
        id = "".join(alphabet[(number >> (5 * k)) & 31] for k in reversed(range(26)))
        a, b = random.randrange(10000, 15000), random.randrange(10000, 15000)
        result = random.choice(["answered", "answered", "busy", "no-answer"])
        yield (id, str(a), str(b), "internal", started, started + 4000, started + 60000, 56.0, result, "", "")
base.executemany("INSERT INTO call_records (id, caller, callee, direction, started, answered, ended, duration_s, result, reason, route) VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows())
base.commit()
`;

test("a large office", { timeout: 600_000 }, async (t) => {
  const numbers = Array.from({ length: EXTENSIONS }, (_, n) => String(10_000 + n));
  const server = await pbx(t, { office: extensions(...numbers) });
  await server.process.stop();
  const filled = await run("python3", ["-c", fill, `${server.data}/ringwall.db`]);
  if (filled.code !== 0) throw new Error(filled.err);
  await server.start();

  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  const day = (days) => new Date(Date.now() - days * 86_400_000).toISOString();
  for (const path of [
    "/extensions?limit=50",
    "/extensions?limit=50&sort=description&order=desc",
    "/extensions?limit=50&search=4999",
    "/registrations?limit=50",
    "/history?order=newest&limit=50",
    "/history?order=newest&limit=50&number=12345",
    "/history?order=newest&limit=50&result=busy",
    `/history?order=newest&limit=50&search=234&since=${day(30)}`,
    `/history?order=newest&limit=50&search=99999&since=${day(30)}`,
    "/status",
    "/check",
    "/attacks",
  ]) {
    const times = await page.evaluate(
      async ([path, rounds]) => {
        const times = [];
        for (let round = 0; round < rounds; round += 1) {
          const begun = performance.now();
          const response = await fetch(`/api/v1${path}`);
          await response.text();
          times.push(performance.now() - begun);
          if (!response.ok) throw new Error(`${path}: ${response.status}`);
        }
        return times.sort((a, b) => a - b);
      },
      [path, ROUNDS],
    );
    console.log(`${path.replace(/since=.*/, "since=30 days")}: median ${times[ROUNDS >> 1].toFixed(1)} ms, longest ${times.at(-1).toFixed(1)} ms`);
  }
  for (const path of ["/", "/extensions", "/status/history"]) {
    const begun = Date.now();
    await page.goto(server.url + path);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await page.waitForLoadState("load");
    const bytes = await page.evaluate(() =>
      performance.getEntriesByType("resource").filter((entry) => !entry.name.includes("/api/")).reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    );
    console.log(`page ${path}: heading after ${Date.now() - begun} ms, ${bytes} bytes of scripts and styles`);
  }
});
