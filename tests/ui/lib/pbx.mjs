// The server under test: the real binary on a folder and an address of its own.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { address, folder } from "./place.mjs";
import { run, start } from "./process.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const binary = process.env.RINGWALL_BINARY ?? join(root, "target/release/ringwall");

/** The console's port in these tests; each server has an address of its own. */
export const CONSOLE_PORT = 4021;
/** The administrator that a server with an administrator has. */
export const ADMINISTRATOR = { login: "admin", password: "granite-otter-violet-93" };
/** The SIP password of each extension, as its number decides it: strong, so that the server takes it. */
export const sipPassword = (number) => `Zt7-${number}-qLm4-Rw9x-Kd2p`;

/** TOML of extensions with one line each; MD5 alone, since baresip 1 gives up when SHA-256 is offered. */
export function extensions(...numbers) {
  return numbers
    .map(
      (number) =>
        `[[extensions]]\nnumber = "${number}"\ndescription = "Desk ${number}"\n` +
        `lines = [{ username = "${number}", password = "${sipPassword(number)}", digest = "md5" }]\n`,
    )
    .join("\n");
}

/** A running server. `office`: TOML beside `[system]` and `[listen]`; `administrator: false`: before its first run. */
export async function pbx(t, { office = "", administrator = true } = {}) {
  const at = address();
  const data = folder(t, "pbx");
  const file = join(data, "office.toml");
  writeFileSync(
    file,
    `[system]\nname = "Example Ltd"\ntime_zone = "Europe/Prague"\ndomain = "${at}"\n\n` +
      `[listen]\nsip_udp = ["${at}:5060"]\nsip_tcp = ["${at}:5060"]\nsip_tls = []\nmedia_ports = "10000-19999"\n` +
      `console = ["${at}:${CONSOLE_PORT}"]\n\n${office}`,
  );
  const server = {
    at,
    data,
    url: `https://${at}:${CONSOLE_PORT}`,
    async start() {
      const environment = administrator ? { RINGWALL_ADMIN_PASSWORD: ADMINISTRATOR.password } : {};
      server.process = start(t, binary, ["serve", "--data", data, "--apply", file], { environment });
      await server.process.expect("ready\n");
    },
    /** Runs `ringwall WORDS` on its folder; fails unless it succeeds. */
    async cli(...words) {
      const { code, out, err } = await run(binary, [...words, "--data", data]);
      if (code !== 0) throw new Error(`ringwall ${words.join(" ")}: exit ${code}\n${err}`);
      return out;
    },
    async json(...words) {
      return JSON.parse(await server.cli(...words, "--json"));
    },
    setupCode: () => readFileSync(join(data, "setup-code"), "utf8").trim(),
  };
  await server.start();
  return server;
}
