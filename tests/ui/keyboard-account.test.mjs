// One's own account, sessions and tokens without a mouse.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { browser } from "./lib/browser.mjs";
import { keys } from "./lib/keys.mjs";
import { ADMINISTRATOR, pbx } from "./lib/pbx.mjs";
import { until } from "./lib/place.mjs";

const NEW = "marble heron lantern 41";

/** The code of now (RFC 6238) from a secret in base 32. */
function code(secret) {
  const bits = [...secret.replace(/[\s=]/g, "")].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(step).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

test("password, second factor, sessions and tokens without a mouse", { timeout: 240_000 }, async (t) => {
  const server = await pbx(t);
  const windows = await browser(t);
  const page = await windows.window();
  const hands = keys(page);
  const dialog = page.getByRole("dialog");
  await page.goto(server.url);
  await hands.signIn();
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();

  const menu = async (item) => {
    await hands.go("button", /Account menu/);
    await page.getByRole("menuitem", { name: item }).waitFor();
    for (let down = 0; down < 10; down += 1) {
      if (await page.getByRole("menuitem", { name: item }).evaluate((entry) => entry === document.activeElement)) break;
      await hands.press("ArrowDown");
    }
    await hands.press("Enter");
  };
  await menu("Your account");
  await page.getByRole("heading", { name: "Your account", level: 1 }).waitFor();
  const secret = async (label, text) => {
    const field = page.getByLabel(label, { exact: true });
    await hands.press("Tab");
    for (let tabs = 0; tabs < 40 && !(await field.evaluate((one) => one === document.activeElement)); tabs += 1) await hands.press("Tab");
    await page.keyboard.type(text);
  };
  await secret("Current password", ADMINISTRATOR.password);
  await secret("New password", NEW);
  await secret("New password again", NEW);
  await hands.press("Enter");
  await page.getByText("Your password is changed").waitFor();

  await hands.go("button", "Set up second factor");
  await dialog.getByLabel("Your password", { exact: true }).waitFor();
  await page.waitForFunction(() => document.activeElement?.tagName === "INPUT");
  await page.keyboard.type(NEW);
  await hands.press("Enter");
  const key = (await dialog.locator("output").first().innerText()).replaceAll(" ", "");
  await hands.write("Code", code(key), { inside: dialog });
  await hands.press("Enter");
  await hands.go("button", "I have kept them", { inside: dialog });
  await hands.kept("the recovery codes");

  await hands.visit("API tokens");
  await hands.go("button", "New token", { inside: page.locator("header") });
  await hands.write("Name", "by keys", { inside: dialog });
  await hands.go("button", "Create token", { inside: dialog });
  await dialog.getByText("Shown this once").waitFor();
  await hands.press("Escape");
  assert.equal(await dialog.count(), 1, "a stray Escape does not lose it");
  await hands.go("button", /copied|kept|Done/i, { inside: dialog });
  await hands.go("button", "Delete token by keys");
  await hands.go("button", /Delete/, { inside: dialog });
  await page.getByText("The token is deleted").waitFor();

  await menu("Sign out");
  await hands.signIn({ login: ADMINISTRATOR.login, password: NEW });
  // Each code is good once: the next one is waited for.
  const used = code(key);
  await page.getByLabel("Code", { exact: true }).waitFor();
  await until("the next code", async () => code(key) !== used, 40_000);
  await hands.write("Code", code(key));
  await hands.press("Enter");
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  await hands.visit("Sessions");
  await hands.visit("Administrators");
  await hands.visit("Audit trail");
  await page.getByText("Switched a second factor on").first().waitFor();
});
