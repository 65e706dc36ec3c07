// A certificate of one's own, brought in the browser: a wrong one is told at its field and line, a right one is in force.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";

test("a certificate is uploaded, a wrong one told at its field, and the local authority's comes back", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const file = (name) => join(server.data, name);
  const make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "60"];
  const own = [...make, "-subj", "/CN=Brought here", "-addext", `subjectAltName=IP:${server.at}`, "-keyout", file("own.key"), "-out", file("own.crt")];
  execFileSync("openssl", own, { stdio: "ignore" });
  const locked = ["pkey", "-in", file("own.key"), "-aes256", "-passout", "pass:secret", "-out", file("locked.key")];
  execFileSync("openssl", locked, { stdio: "ignore" });

  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("link", { name: "Certificates", exact: true }).click();
  const card = page.getByRole("region", { name: "Bring a certificate of your own" });
  const choose = (label, name) => card.getByRole("group", { name: label }).locator("input[type=file]").setInputFiles(file(name));
  await choose("Certificate", "own.crt");
  await choose("Private key", "locked.key");
  await card.getByRole("button", { name: "Put it in force" }).click();
  await card.getByText("Line 1: The key has a password").waitFor();
  await flawless(page, "a key with a password");
  await choose("Private key", "own.key");
  await card.getByRole("button", { name: "Put it in force" }).click();
  await page.getByText("The certificate is in force").first().waitFor();
  await page.getByRole("definition").filter({ hasText: "Brought here" }).first().waitFor();
  await flawless(page, "an uploaded certificate");
  const exported = await server.cli("export");
  assert.match(exported, /uploaded = "[0-9a-f]{64}"/);
  assert.ok(!(await page.content()).includes(readFileSync(file("own.key"), "utf8").split("\n")[1]), "the key is nowhere on the page");

  await page.getByRole("button", { name: "Use the files or the local authority again" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByText("They are made by the local authority").waitFor();
  assert.doesNotMatch(await server.cli("export"), /uploaded/);
});
