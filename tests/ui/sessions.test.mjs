// Signing in and out: what others see of it, and that what was typed outlives an ended session.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { ADMINISTRATOR, extensions, pbx } from "./lib/pbx.mjs";

test("a session ended elsewhere is out at once, and what was typed is still there after signing in again", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const windows = await browser(t);
  const [here, elsewhere] = [await windows.window(), await windows.window()];
  await signIn(here, server);
  await here.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  await here.goto(`${server.url}/extensions/101`);
  const description = here.getByLabel("Description");
  await description.fill("Typed before the session ended");

  await signIn(elsewhere, server);
  await elsewhere.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  const ended = await elsewhere.evaluate(async () => {
    const list = await (await fetch("/api/v1/sessions")).json();
    const other = list.find((session) => !session.current);
    const answer = await fetch(`/api/v1/sessions/${other.id}`, { method: "DELETE", headers: { "X-Ringwall": "1" } });
    return answer.status;
  });
  assert.equal(ended, 204);
  const out = await here.evaluate(async () => (await fetch("/api/v1/status")).status);
  assert.equal(out, 401, "out at once");

  // Sent without the mouse: the dialog may be there already, since the live events have ended too.
  await description.evaluate((field) => field.form.requestSubmit());
  const again = here.getByRole("dialog");
  await again.getByLabel("Password", { exact: true }).waitFor();
  await flawless(here, "signing in again over the page");
  await again.getByLabel("User name").fill(ADMINISTRATOR.login);
  await again.getByLabel("Password", { exact: true }).fill(ADMINISTRATOR.password);
  await again.getByRole("button", { name: "Sign in" }).click();
  await again.waitFor({ state: "hidden" });
  await here.getByText("Saved").first().waitFor();
  assert.match(await server.cli("export"), /Typed before the session ended/);
});

test("a wrong password says so at the form, and keeps the name", async (t) => {
  const server = await pbx(t);
  const page = await (await browser(t)).window();
  await signIn(page, server, { login: "admin", password: "not the password" });
  await page.getByRole("alert").first().waitFor();
  assert.equal(await page.getByLabel("User name").inputValue(), "admin");
  await flawless(page, "a wrong password");
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
});

test("what a page asks by itself is marked when nobody is there, and is not when somebody is", async (t) => {
  const server = await pbx(t, { office: extensions("101") });
  const page = await (await browser(t)).window();
  await page.clock.install();
  await signIn(page, server);
  await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
  const asked = async (happens) => {
    const request = page.waitForRequest((request) => request.url().endsWith("/api/v1/check"));
    await happens();
    return (await (await request).allHeaders())["x-ringwall-by-itself"];
  };
  const change = (name) => () => {
    const file = join(server.data, "name.toml");
    writeFileSync(file, `[system]\nname = "${name}"\n`);
    return server.cli("apply", "--merge", file);
  };
  assert.equal(await asked(change("One")), undefined, "somebody signed in a moment ago");
  await page.clock.fastForward("02:00");
  assert.equal(await asked(change("Two")), "1");
  await page.mouse.move(200, 300);
  assert.equal(await asked(change("Three")), undefined);
});
