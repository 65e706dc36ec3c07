// Under attack without a mouse: blocks, the answer to an attack, the lock, guessing, the firewall.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guess } from "./lib/attacker.mjs";
import { browser } from "./lib/browser.mjs";
import { keys } from "./lib/keys.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { address, until } from "./lib/place.mjs";

const OFFICE = `
[[address_groups]]
name = "Everybody here"
members = ["127.0.0.0/8"]

${extensions("101")}
`;

test("an attack is answered, a block lifted, the lock set and the firewall kept without a mouse", { timeout: 240_000 }, async (t) => {
  const server = await pbx(t, { office: OFFICE });
  const page = await (await browser(t)).window();
  const hands = keys(page);
  const dialog = page.getByRole("dialog");
  await page.goto(server.url);
  await hands.signIn();
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();

  const guesser = address();
  await guess(server, "101", guesser);
  await hands.visit("Attacks");
  const old = await server.cli("export", "--with-secrets");
  await hands.go("button", "Respond to the attack on 101");
  await hands.go("button", "Make a new password", { inside: dialog });
  await until("a new password", async () => (await server.cli("export", "--with-secrets")) !== old);
  await hands.press("Escape");
  await hands.kept("the answer");

  await hands.visit("Blocks");
  await hands.go("button", `Lift the block of ${guesser}`);
  await hands.go("button", /Lift/, { inside: dialog });
  await until("no block", async () => (await server.json("blocks")).length === 0);
  await hands.go("button", "Block an address", { inside: page.locator("header") });
  await hands.write("Address or prefix", "192.0.2.7", { inside: dialog });
  await hands.choose("For how long", "1 h", { inside: dialog });
  await hands.write("Why", "by keys", { inside: dialog });
  await hands.press("Enter");
  await until("a block", async () => (await server.json("blocks")).some((block) => block.address === "192.0.2.7"));
  await dialog.waitFor({ state: "detached" });
  await hands.kept("the block");

  await hands.visit("Lock", "Lock on outgoing calls");
  await hands.write("Why", "by keys");
  await hands.press("Enter");
  await hands.go("button", /Lock/, { inside: dialog });
  await until("the lock", async () => (await server.json("status")).lock !== null);
  // Each page has the way out of it.
  await hands.visit("Dashboard");
  await hands.go("button", "Unlock");
  await hands.go("button", /Unlock/, { inside: dialog });
  await until("no lock", async () => (await server.json("status")).lock === null);

  await hands.visit("Password guessing");
  await hands.write("Wrong passwords", "7");
  await hands.press("Enter");
  await until("the limit", async () => (await server.cli("export")).includes("attempts = 7"));

  await hands.visit("Firewall");
  await hands.go("checkbox", "Restrict SIP", { key: "Space" });
  await hands.choose("Group that reaches SIP", "Every");
  await hands.go("button", "Save", { inside: page.locator("form").filter({ has: page.getByRole("checkbox", { name: "Restrict SIP" }) }) });
  await until("the row", async () => (await server.cli("export")).includes('sip = "Everybody here"'));

  // One that could shut out who makes it is kept by hand.
  await hands.go("checkbox", "Restrict Console and web phone", { key: "Space" });
  await hands.choose("Group that reaches Console and web phone", "Every");
  await hands.press("Enter");
  await hands.go("button", "Save", { inside: page.locator("form").filter({ has: page.getByRole("checkbox", { name: "Restrict SIP" }) }) });
  await until("the row", async () => (await server.cli("export")).includes('web = "Everybody here"'));
  assert.equal(await page.getByText("The new firewall is on trial").count(), 0, "who stays in is asked nothing");
});
