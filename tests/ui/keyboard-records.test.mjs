// Calls, history, logs and revisions without a mouse; the drawer at a telephone's width.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { browser, flawless } from "./lib/browser.mjs";
import { keys } from "./lib/keys.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { phone } from "./lib/phone.mjs";
import { until } from "./lib/place.mjs";

test("calls, history, logs and revisions without a mouse", { timeout: 240_000 }, async (t) => {
  const server = await pbx(t, { office: extensions("101", "102") });
  const alice = await phone(t, server, "101", { heard: true });
  await phone(t, server, "102", { heard: true });
  await until("two phones", async () => (await server.json("registrations")).length === 2);
  const windows = await browser(t);
  const page = await windows.window();
  const hands = keys(page);
  const dialog = page.getByRole("dialog");
  await page.goto(server.url);
  await hands.signIn();
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();

  await hands.visit("Calls");
  alice.dial("102");
  // Both directions have figures by the second report at the latest.
  await page.getByText(/ MOS [1-4]/).nth(1).waitFor();
  await hands.go("button", "Hang up the call from 101 to 102");
  await hands.go("button", "Hang up", { inside: dialog });
  await until("the call's end", async () => (await server.json("calls")).length === 0);
  await page.getByText("Nobody is on a call").waitFor();
  await hands.kept("the call was hung up");

  await hands.visit("Registrations");
  await hands.go("button", /^Line/);
  await page.waitForURL(/sort=line/);
  await hands.choose("Transport", "U");
  await page.waitForURL(/transport=udp/);
  await hands.reach("link", "102");
  await hands.visit("Dial plan");
  const searchbox = (name) => page.getByRole("searchbox", { name });
  const search = async (name, text) => {
    await hands.reach("searchbox", name);
    await page.keyboard.type(text);
    await page.waitForURL((url) => [...url.searchParams.values()].includes(text));
  };
  await search("Number or name", "102");
  await page.getByRole("row").filter({ hasText: "101" }).waitFor({ state: "detached" });

  await hands.visit("History");
  await hands.choose("Result", "Answered");
  await page.waitForURL(/result=answered/);
  await search("Exactly this number", "102");
  const row = page.getByRole("row").filter({ hasText: "102" }).getByRole("button").first();
  await hands.go("button", (await row.innerText()).trim());
  await dialog.getByText("Call from 101 to 102").waitFor();
  await dialog.getByText("The PBX to 102").waitFor();
  await dialog.getByText(/ MOS [1-4]/).nth(1).waitFor();
  await flawless(page, "a past call's story");
  await hands.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await hands.kept("the story");
  await hands.reach("link", "Download CSV");

  await hands.visit("Logs");
  await hands.reach("tab", "Security");
  await hands.press("ArrowRight");
  await page.waitForURL(/logs\/auth/);
  await hands.reach("searchbox", "Search");
  await page.keyboard.type("nothing has this word");
  await page.getByText("No line matches").waitFor();
  await hands.go("button", "Clear the search");
  assert.equal(await searchbox("Search").inputValue(), "");
  const download = page.waitForEvent("download");
  await hands.go("button", "Save as text");
  await download;

  const { revision } = await server.json("status");
  const before = await server.cli("export");
  const change = join(server.data, "change.toml");
  writeFileSync(change, '[[extensions]]\nnumber = "102"\ndescription = "Changed"\n');
  await server.cli("apply", change, "--merge");
  await hands.visit("Revisions");
  await hands.go("link", String(revision + 1));
  await page.getByText("Changed").first().waitFor();
  await hands.go("link", "All revisions");
  await hands.go("link", String(revision));
  await page.getByRole("heading", { name: `Revision ${revision}`, level: 1 }).waitFor();
  await hands.go("button", "Roll back to here");
  await hands.go("button", "Roll back", { inside: dialog });
  await until("what was before", async () => (await server.cli("export")) === before);

  const narrow = await windows.window({ width: 390 });
  const thumbs = keys(narrow);
  await narrow.goto(server.url);
  await thumbs.signIn();
  await narrow.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  await thumbs.go("button", "Menu");
  await thumbs.go("link", "History", { inside: narrow.getByRole("dialog") });
  await narrow.getByRole("heading", { name: "History", level: 1 }).waitFor();
  assert.equal(await narrow.locator("dialog[open]").count(), 0, "the drawer closes behind one");
});
