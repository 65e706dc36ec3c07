// Two administrators, one extension: who saves second is told, loses nothing, and decides. And what a roll-back brings back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { until } from "./lib/place.mjs";

test("two administrators collide and are told", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const windows = await browser(t);
  const [first, second] = [await windows.window(), await windows.window()];
  for (const page of [first, second]) {
    await signIn(page, server);
    await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
    await page.goto(`${server.url}/extensions/101`);
    await page.getByLabel("Description").waitFor();
  }
  await first.getByLabel("Description").fill("Written first");
  await first.getByRole("button", { name: "Save" }).click();
  await first.getByText("Saved").first().waitFor();
  await second.getByLabel("Description").fill("Written second");
  await second.getByRole("button", { name: "Save" }).click();
  await second.getByText(/changed this meanwhile|Somebody else/).first().waitFor();
  assert.match(await server.cli("export"), /Written first/, "nothing is overwritten unknowingly");
  assert.equal(await second.getByLabel("Description").inputValue(), "Written second", "nothing typed is lost");
});

test("a roll-back restores what was, and brings no old password back", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  const before = (await server.json("status")).revision;
  const exported = await server.cli("export");
  const changed = await page.evaluate(async () => {
    const headers = { "X-Ringwall": "1", "Content-Type": "application/json" };
    const response = await fetch("/api/v1/extensions/101");
    const body = { ...(await response.json()), description: "Something else" };
    const put = await fetch("/api/v1/extensions/101", { method: "PUT", headers: { ...headers, "If-Match": response.headers.get("ETag") }, body: JSON.stringify(body) });
    const made = await fetch("/api/v1/extensions/101/password?show=true", { method: "POST", headers });
    return { put: put.status, ...(await made.json()) };
  });
  assert.equal(changed.put, 200);
  await page.goto(`${server.url}/revisions`);
  await page.goto(`${server.url}/revisions/${before}`);
  await page.getByRole("button", { name: /Roll back/ }).click();
  const sure = page.getByRole("dialog").getByRole("button", { name: /Roll back/ });
  await sure.click();
  await page.getByText(/Rolled back|is in force/i).first().waitFor();
  assert.equal(await server.cli("export"), exported);
  const secrets = await server.cli("export", "--with-secrets");
  assert.ok(secrets.includes(changed.password), "today's password stays");
});

test("what is typed while a form is being saved stays, and is saved next", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const page = await (await browser(t)).window();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  for (const [where, label, written] of [
    ["extensions/101", "Description", (text) => `description = "${text}"`],
    ["advanced/system", "Organisation", (text) => `name = "${text}"`],
  ]) {
    await page.goto(`${server.url}/${where}`);
    const field = page.getByLabel(label, { exact: true });
    const save = page.locator("form").filter({ has: field }).getByRole("button", { name: "Save" });
    await field.fill("Typed first");
    // The answer takes its time.
    let answer;
    const held = new Promise((resolve) => (answer = resolve));
    await page.route("**/api/v1/**", async (route) => {
      if (route.request().method() === "PUT") await held;
      await route.continue();
    });
    const sent = page.waitForRequest((request) => request.method() === "PUT");
    await save.click();
    await sent;
    await field.fill("Typed while it was saved");
    answer();
    await page.getByText("Saved").first().waitFor();
    assert.match(await server.cli("export"), new RegExp(written("Typed first")));
    assert.equal(await field.inputValue(), "Typed while it was saved", where);
    await page.unroute("**/api/v1/**");
    await save.click();
    await until(`the rest of ${where}`, async () => (await server.cli("export")).includes(written("Typed while it was saved")));
    assert.equal(await field.inputValue(), "Typed while it was saved", where);
  }
});
