// A firewall change that shuts out the one who makes it comes back by itself; blocks and guessing at the console.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, signIn } from "./lib/browser.mjs";
import { pbx } from "./lib/pbx.mjs";
import { until } from "./lib/place.mjs";

const OFFICE = `
[[address_groups]]
name = "Somewhere else"
members = ["192.0.2.0/24"]

[firewall]
confirm_within = "3s"
`;

test("a row that locks out who sets it comes back by itself, as a revision of its own", async (t) => {
  const server = await pbx(t, { office: OFFICE });
  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Firewall", exact: true }).click();
  await page.getByRole("heading", { name: "Firewall", level: 1 }).waitFor();
  const before = (await server.json("status")).revision;
  await page.getByRole("checkbox", { name: "Restrict Console and web phone" }).check();
  await page.getByRole("combobox", { name: /Console and web phone/ }).selectOption("Somewhere else");
  const rows = page.locator("form").filter({ has: page.getByRole("checkbox", { name: "Restrict SIP" }) });
  await rows.getByRole("button", { name: "Save" }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: /Save|Continue|Try/ });
  await sure.click({ timeout: 2_000 }).catch(() => undefined);
  await until("the row", async () => (await server.cli("export")).includes('web = "Somewhere else"'));
  await until("its end", async () => !(await server.cli("export")).includes('web = "Somewhere else"'));
  const revisions = await server.json("revisions");
  assert.equal(revisions.at(-1).number, before + 2);
  await page.goto(`${server.url}/network/firewall`);
  await until("the console again", async () => (await page.getByRole("heading", { level: 1 }).count()) > 0);
});
