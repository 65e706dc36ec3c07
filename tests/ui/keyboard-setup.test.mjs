// The first set-up without a mouse, from the code to the dashboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser } from "./lib/browser.mjs";
import { keys } from "./lib/keys.mjs";
import { pbx } from "./lib/pbx.mjs";

const PASSWORD = "granite otter violet 93";

test("the first set-up without a mouse", { timeout: 120_000 }, async (t) => {
  const server = await pbx(t, { administrator: false });
  const page = await (await browser(t)).window();
  const hands = keys(page);
  await page.goto(server.url);
  await hands.write("Set-up code", server.setupCode());
  const next = async (heading) => {
    await hands.press("Enter");
    await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
  };
  await next("Administrator");
  await hands.write("User name", "admin");
  // Fields for passwords have no role; the button that shows what was typed stands behind each.
  for (const label of ["Password", "Password again"]) {
    const field = page.getByLabel(label, { exact: true });
    for (let tabs = 0; tabs < 5 && !(await field.evaluate((one) => one === document.activeElement)); tabs += 1) await hands.press("Tab");
    await page.keyboard.type(PASSWORD);
  }
  await next("Office");
  await hands.write("Name of the office", "By keys Ltd");
  await next("Network");
  await hands.reach("checkbox", "This console answers them alone");
  await hands.go("button", "Back");
  await page.getByRole("heading", { name: "Office", level: 1 }).waitFor();
  assert.equal(await page.getByLabel("Name of the office").inputValue(), "By keys Ltd", "nothing typed is lost");
  await hands.go("button", "Continue");
  await page.getByRole("heading", { name: "Network", level: 1 }).waitFor();
  await hands.go("button", "Continue");
  await page.getByRole("heading", { name: "Phones", level: 1 }).waitFor();
  await hands.write("First extension", "301");
  await next("Mail");
  await hands.go("button", "Set up");
  await page.getByRole("heading", { name: "Ringwall is set up" }).waitFor();
  await hands.reach("button", /^Copy/);
  await hands.reach("button", "To the dashboard");
  await hands.press("Enter");
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  assert.match(await server.cli("export"), /By keys Ltd/);
});
