// Flows by keyboard alone: Tab, arrows, Enter, Escape; no mouse.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser } from "./lib/browser.mjs";
import { ADMINISTRATOR, pbx } from "./lib/pbx.mjs";

const MOST_TABS = 120;

/** Presses Tab until the focus is at what has this role and name. */
async function reach(page, role, name) {
  const wanted = page.getByRole(role, { name, exact: true });
  for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
    for (const one of await wanted.all()) {
      if (await one.evaluate((element) => element === document.activeElement)) return;
    }
    await page.keyboard.press("Tab");
  }
  assert.fail(`no way by Tab to the ${role} "${name}"`);
}

test("sign in, add an extension, find it and delete it without a mouse", async (t) => {
  const server = await pbx(t);
  const page = await (await browser(t)).window();
  await page.goto(server.url);
  await page.getByLabel("User name").waitFor();
  await reach(page, "textbox", "User name");
  await page.keyboard.type(ADMINISTRATOR.login);
  await page.keyboard.press("Tab");
  await page.keyboard.type(ADMINISTRATOR.password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();

  await reach(page, "link", "Extensions");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Extensions", level: 1 }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "the focus follows the page");
  await reach(page, "link", "New extension");
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Number", exact: true }).waitFor();
  await reach(page, "textbox", "Number");
  await page.keyboard.type("301");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /301/, level: 1 }).waitFor();
  assert.match(await server.cli("export"), /number = "301"/);
});
