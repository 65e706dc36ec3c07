// Extensions, people and definitions without a mouse.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser } from "./lib/browser.mjs";
import { keys } from "./lib/keys.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { until } from "./lib/place.mjs";

test("extensions, people, groups and settings without a mouse", { timeout: 240_000 }, async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const page = await (await browser(t)).window();
  const hands = keys(page);
  const exported = (text, what) => until(what, async () => (await server.cli("export")).includes(text));
  await page.goto(server.url);
  await hands.signIn();
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();

  // The link over everything leads behind the navigation.
  await hands.go("link", "Skip to content");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "content");

  await hands.visit("Extensions");
  await hands.go("link", "101");
  await page.getByRole("heading", { name: /101/, level: 1 }).waitFor();
  await hands.write("Description", "Written by keys");
  await hands.press("Enter");
  await exported("Written by keys", "the description");
  await hands.go("button", /New password/);
  await hands.go("button", /New password/, { inside: page.getByRole("dialog") });
  const once = page.getByRole("dialog").filter({ hasText: "Shown this once" });
  await hands.go("button", "I have copied it", { inside: once });
  await hands.kept("the password was shown");
  await hands.go("button", /Show password/);
  await hands.go("button", "Show", { inside: page.getByRole("dialog") });
  await page.getByRole("dialog").getByText("in the audit trail under your name").waitFor();
  await hands.go("button", "I have copied it", { inside: page.getByRole("dialog") });

  await hands.visit("Extensions");
  await hands.go("link", "New extension");
  await hands.write("Number", "301");
  await hands.press("Enter");
  await page.getByRole("heading", { name: /301/, level: 1 }).waitFor();
  await exported('number = "301"', "a new extension");

  await hands.visit("Extensions");
  await hands.go("link", "Import");
  await hands.write("Table", "number,description\n205,Two hundred and five");
  await hands.go("button", "Check the table");
  await hands.go("button", "Make 1 extension");
  await page.getByText("1 extension made").waitFor();
  const download = page.waitForEvent("download");
  await hands.go("button", "Save as CSV");
  await download;
  await hands.visit("Extensions");
  await hands.go("link", "205");
  await hands.go("button", "Delete extension");
  await hands.go("button", /Delete/, { inside: page.getByRole("dialog") });
  await until("the extension's end", async () => !(await server.cli("export")).includes('number = "205"'));

  await hands.visit("Users");
  await hands.go("link", "New user");
  await hands.write("Login", "bob");
  await hands.write("Name", "Bob");
  await hands.go("button", "Create user");
  await exported('login = "bob"', "the user");

  await hands.visit("IP address groups");
  await hands.go("button", "New group", { inside: page.locator("header") });
  const dialog = page.getByRole("dialog");
  await hands.write("Name", "Inside", { inside: dialog });
  await hands.write("Members", "10.0.0.0/8\n127.0.0.0/8", { inside: dialog });
  await hands.go("button", "Save", { inside: dialog });
  await exported('name = "Inside"', "the group");
  await dialog.waitFor({ state: "detached" });
  await hands.kept("the group was saved");
  await hands.go("button", "Edit Inside");
  await hands.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await hands.kept("Escape");

  await hands.visit("System");
  await hands.write("Organisation", "By keys Ltd");
  await hands.press("Enter");
  await exported("By keys Ltd", "the name");
  await hands.visit("Mail");
  await hands.write("Server", "mail.example.test");
  await hands.write("From", "pbx@example.test");
  await hands.press("Enter");
  await exported("mail.example.test", "the mail server");
  await hands.reach("button", "Send a test letter");
  await hands.visit("Certificates");
  await hands.reach("link", "Download for phones (DER)");
  await hands.visit("SIP and media");
  await hands.visit("Ports");
});
