// A program beside the test: its output is kept, and it is stopped by its process id when the test ends.
import { spawn, execFile } from "node:child_process";
import { until } from "./place.mjs";

/** Starts `command` with `words`; ends with the test. */
export function start(t, command, words, { environment = {} } = {}) {
  // setpriv: the kernel ends it when we die, however that happens.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", command, ...words], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (text) => (said.out += text));
  child.stderr.on("data", (text) => (said.err += text));
  const ended = new Promise((done) => child.on("exit", done));
  const program = {
    said,
    ended,
    expect: (text) =>
      until(`"${text}" from ${command}`, () => said.out.includes(text) || said.err.includes(text)).catch((why) => {
        throw new Error(`${why.message}\n${said.out.slice(-2000)}\n${said.err.slice(-2000)}`);
      }),
    async stop() {
      if (child.exitCode === null) child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(late);
    },
  };
  t.after(() => program.stop());
  return program;
}

/** Runs a program to its end: its exit code and what it said. */
export function run(command, words, { input } = {}) {
  return new Promise((done) => {
    const child = execFile(command, words, { maxBuffer: 1 << 24 }, (error, out, err) =>
      done({ code: error ? (error.code ?? 1) : 0, out, err }),
    );
    // It may have ended without reading.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
  });
}
