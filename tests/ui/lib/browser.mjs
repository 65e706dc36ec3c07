// A real browser: Debian's Chromium, driven by playwright-core. What a page logs as an error, or a refusal by its
// Content-Security-Policy, fails the test.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ADMINISTRATOR } from "./pbx.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts it. Each window it opens has a session of its own. */
export async function browser(t) {
  const program = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  t.after(() => program.close());
  return {
    async window({ dark = false, width = 1440, height = 900 } = {}) {
      const context = await program.newContext({
        ignoreHTTPSErrors: true,
        colorScheme: dark ? "dark" : "light",
        viewport: { width, height },
        acceptDownloads: true,
        // A page is looked at through the tester's eyes: bypassing its policy would hide what it refuses.
        bypassCSP: false,
      });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      page.complaints = [];
      page.on("pageerror", (error) => page.complaints.push(String(error)));
      page.on("console", (message) => {
        // A refused request is the page's business to show; Chromium logs each as an error too.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) page.complaints.push(message.text());
      });
      return page;
    },
  };
}

/** Signs in at the page shown, or at the start page. */
export async function signIn(page, server, { login, password } = ADMINISTRATOR) {
  if (!page.url().startsWith(server.url)) await page.goto(server.url);
  await page.getByLabel("User name").fill(login);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** Keeps a picture of the page under the name, where SCREENSHOTS names a folder. */
export async function picture(page, name) {
  const kept = process.env.SCREENSHOTS;
  if (!kept) return;
  mkdirSync(kept, { recursive: true });
  await page.screenshot({ path: join(kept, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.png`), fullPage: true });
}

/** Fails when axe finds something on the page as it is, or when the page complained. */
export async function flawless(page, what) {
  await picture(page, what);
  // Evaluated by the debugger, so the page's policy stays as it is.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
  assert.deepEqual(found, [], `${what}: axe`);
  assert.deepEqual(page.complaints, [], `${what}: the page complained`);
}
