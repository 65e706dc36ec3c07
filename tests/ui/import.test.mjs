// Many extensions from a table: a wrong one is refused whole with its lines, a right one made, its passwords saved.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";

test("a table of extensions is checked, mended, imported, and its passwords are saved", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("link", { name: "Extensions", exact: true }).click();
  await page.getByRole("link", { name: "Import" }).click();
  await page.getByRole("heading", { name: "Import extensions" }).waitFor();

  const file = join(server.data, "table.csv");
  writeFileSync(file, 'number;description\r\n201;"Kitchen; ground floor"\r\n101;Twice\r\n202;=1+1\r\n');
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByRole("button", { name: "Check the table" }).click();
  await page.getByText("Nothing was changed").waitFor();
  const row = page.getByRole("row").filter({ hasText: "101 exists already" });
  assert.match(await row.innerText(), /^3\b/, "the fault is told with its line");
  await flawless(page, "a wrong table");

  const field = page.getByLabel("Table", { exact: true }).and(page.getByRole("textbox"));
  await field.fill((await field.inputValue()).replace(/101;Twice\r?\n/, ""));
  await page.getByRole("button", { name: "Check the table" }).click();
  await page.getByText("2 extensions would be made").waitFor();
  assert.doesNotMatch(await server.cli("export"), /number = "201"/, "looking makes nothing");
  await page.getByRole("button", { name: "Make 2 extensions" }).click();
  await page.getByText("2 extensions made").waitFor();
  await flawless(page, "what was imported");
  assert.match(await server.cli("export"), /Kitchen; ground floor/);

  // Passwords that are shown once are not lost by a stray click.
  await page.getByRole("link", { name: "To the extensions" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save as CSV" }).click()]);
  const saved = readFileSync(await download.path(), "utf8").trim().split("\r\n");
  assert.equal(saved[0], "extension,username,password");
  const secrets = await server.cli("export", "--with-secrets");
  for (const line of saved.slice(1)) assert.ok(secrets.includes(line.split(",")[2]), "what is saved is what is in force");
  assert.equal(saved.length, 3);
  await page.getByRole("link", { name: "To the extensions" }).click();
  await page.getByRole("cell", { name: "Kitchen; ground floor" }).waitFor();
});
