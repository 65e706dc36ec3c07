// A guessing attack seen from the console: it appears, is explained, answered step by step, and undone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guess } from "./lib/attacker.mjs";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { phone } from "./lib/phone.mjs";
import { address, until } from "./lib/place.mjs";

test("an attack appears by itself, is explained, answered and undone", { timeout: 180_000 }, async (t) => {
  const server = await pbx(t, { office: extensions("101", "102") });
  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Blocks", exact: true }).click();
  await page.getByRole("heading", { name: "Blocks", level: 1 }).waitFor();

  const guesser = address();
  await guess(server, "101", guesser);
  // Nobody reloads: the page hears of it.
  await page.getByText(guesser).first().waitFor();
  await page.getByText(/wrong passwords/).first().waitFor();
  await flawless(page, "blocks during an attack");

  await page.getByRole("link", { name: "Attacks", exact: true }).click();
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.getByText("Nobody got in").first().waitFor();
  await flawless(page, "the attack view");

  const held = page.getByRole("row").filter({ hasText: guesser });
  await held.getByText(/until /).waitFor();
  await held.getByRole("button", { name: `Lift the block of ${guesser}` }).waitFor();

  const old = (await server.cli("export", "--with-secrets")).match(/username = "101", password = "([^"]+)"/)[1];
  await page.getByRole("button", { name: "Respond to the attack on 101" }).click();
  await flawless(page, "the answer to an attack");
  await page.getByRole("dialog").getByRole("button", { name: /password/i }).first().click();
  await until("a new password", async () => !(await server.cli("export", "--with-secrets")).includes(old));

  await page.goto(server.url);
  await page.getByRole("link", { name: "Blocks", exact: true }).click();
  await page.getByText(guesser).first().waitFor();
  await page.getByRole("button", { name: `Lift the block of ${guesser}` }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: /Lift/ });
  await sure.click({ timeout: 2_000 }).catch(() => undefined);
  await until("no block", async () => (await server.json("blocks")).length === 0);
  await page.getByText(guesser).first().waitFor({ state: "detached" });
  await phone(t, server, "102");
  await until("the phone beside it", async () => (await server.json("registrations")).length === 1);
  const security = await server.cli("log", "security");
  assert.match(security, /Authentication failed/);
});
