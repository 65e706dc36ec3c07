// What each role sees: pages that work without asking for what the role may not have, and no control that would be
// refused. What the server allows is tested for each operation in tests/tests/console_permissions.rs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guess } from "./lib/attacker.mjs";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { phone } from "./lib/phone.mjs";
import { address, until } from "./lib/place.mjs";

const PASSWORD = "granite-otter-violet-94";
const ROLES = ["operator", "read-only", "auditor"];
const OFFICE = `
[[address_groups]]
name = "Inside"
members = ["127.0.0.0/8"]

[[users]]
login = "admin"
role = "full"

${ROLES.map((role) => `[[users]]\nlogin = "${role}"\nrole = "${role}"\npassword = "${PASSWORD}"\n`).join("\n")}
${extensions("101", "102")}
`;
const BEHIND = ["/extensions/101", "/users/operator", "/revisions/1", "/account"];
/** Controls of the configuration, which only the role `full` may use. */
const CONFIGURES = /^(New (extension|user|administrator|group|token)|Save( changes)?|Delete.*|Roll back.*|Edit .*)$/;
/** Controls of daily work, for the role `operator` too. */
const OPERATES = /^(Hang up.*|Block an address|Lift.*|Lock outgoing calls|New password.*|Respond)$/;

async function controls(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("main button, main a[role=button], main a.button")]
      .filter((one) => one.checkVisibility() && !one.disabled)
      .map((one) => (one.getAttribute("aria-label") ?? one.textContent).trim()),
  );
}

test("each role sees pages that work and controls that are for it", { timeout: 300_000 }, async (t) => {
  const server = await pbx(t, { office: OFFICE });
  const caller = await phone(t, server, "101");
  await phone(t, server, "102");
  await until("two phones", async () => (await server.json("registrations")).length === 2);
  await guess(server, "103", address());
  caller.dial("102");
  await until("a call", async () => (await server.json("calls"))[0]?.state === "answered");
  const windows = await browser(t);
  const found = [];
  const seen = { operator: new Set(), "read-only": new Set(), auditor: new Set() };
  for (const role of ROLES) {
    const page = await windows.window();
    page.on("response", (response) => {
      if (response.status() === 403) found.push(`${role}: ${page.url()} asked ${response.url()} in vain`);
    });
    await signIn(page, server, { login: role, password: PASSWORD });
    await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
    const links = await page.evaluate(() => [...document.querySelectorAll("nav a[href^='/']")].map((link) => link.getAttribute("href")));
    for (const path of [...new Set(links), ...BEHIND]) {
      await page.goto(server.url + path);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
      await flawless(page, `${role}, ${path}`).catch((why) => found.push(why.message));
      for (const name of await controls(page)) {
        seen[role].add(name);
        if (path !== "/account" && CONFIGURES.test(name)) found.push(`${role}: ${path} offers "${name}"`);
        if (role !== "operator" && OPERATES.test(name)) found.push(`${role}: ${path} offers "${name}"`);
      }
    }
    await page.context().close();
  }
  assert.deepEqual(found, []);
  for (const wanted of [/^Hang up/, /^Lift/, /^Lock/, /^New password/]) {
    assert.ok([...seen.operator].some((name) => wanted.test(name)), `an operator is offered ${wanted}: ${[...seen.operator].join(", ")}`);
  }
});
