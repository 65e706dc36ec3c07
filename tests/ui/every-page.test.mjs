// Every page that the navigation shows, and every form behind it, in both themes and both widths: no finding of axe, no
// complaint of the browser, nothing wider than the window. SCREENSHOTS=FOLDER keeps a picture of each, and of what the
// other tests look at.
import assert from "node:assert/strict";
import { test } from "node:test";
import { guess } from "./lib/attacker.mjs";
import { browser, flawless, signIn } from "./lib/browser.mjs";
import { extensions, pbx } from "./lib/pbx.mjs";
import { phone } from "./lib/phone.mjs";
import { address, until } from "./lib/place.mjs";

const LOOKS = [
  { dark: false, width: 1440 },
  { dark: true, width: 1440 },
  { dark: false, width: 390 },
  { dark: true, width: 390 },
];
/** Pages that no link of the navigation leads to. */
const BEHIND = ["/extensions/101", "/extensions/new", "/extensions/import", "/users/new", "/account", "/no/such/page"];
const HOSTILE = '<img src=x onerror=alert(1)>"\';--';
const OFFICE = `
[[address_groups]]
name = "Inside"
members = ["127.0.0.0/8", "10.0.0.0/8"]

[[users]]
login = "admin"
role = "full"

[[users]]
login = "alice"
name = ${JSON.stringify(HOSTILE)}
role = "operator"
extensions = ["101"]

${extensions("101", "102", "103").replace("Desk 103", HOSTILE.replaceAll('"', '\\"'))}
`;

/** Waits until the page has come to rest: its heading is there and nothing of it loads. */
async function rest(page) {
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"]'));
  await page.evaluate(() => document.fonts.ready);
}

test("every page in every look", { timeout: 400_000 }, async (t) => {
  const server = await pbx(t, { office: OFFICE });
  const alice = await phone(t, server, "101");
  await phone(t, server, "102");
  await until("two phones", async () => (await server.json("registrations")).length === 2);
  await guess(server, "103", address());
  alice.dial("102");
  await until("a call", async () => (await server.json("calls"))[0]?.state === "answered");
  alice.hangUp();
  await until("its end", async () => (await server.json("calls")).length === 0);
  alice.dial("102");

  const windows = await browser(t);
  const found = [];
  for (const look of LOOKS) {
    const page = await windows.window(look);
    const name = `${look.dark ? "dark" : "light"}-${look.width}`;
    const seen = async (what) => {
      await rest(page);
      await flawless(page, `${what}-${name}`).catch((why) => found.push(why.message));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) found.push(`${what}, ${name}: ${wide} px wider than the window`);
    };
    await page.goto(server.url);
    await page.getByLabel("User name").waitFor();
    await seen("sign-in");
    await signIn(page, server);
    await page.getByRole("heading", { name: "Dashboard", level: 1 }).waitFor();
    const links = await page.evaluate(() => [...document.querySelectorAll("nav a[href^='/']")].map((link) => link.getAttribute("href")));
    assert.ok(links.length >= 15, `the navigation: ${links}`);
    for (const path of [...new Set(links), ...BEHIND]) {
      await page.goto(server.url + path);
      await seen(path === "/" ? "dashboard" : path.slice(1).replaceAll("/", "-"));
      // Each page listens anew; those that were left listen no more.
      if (await page.getByText("No live connection").count()) found.push(`${path}, ${name}: no live connection`);
    }
    assert.equal(await page.locator("img[src=x]").count(), 0, "hostile text is text");
    await page.context().close();
  }
  assert.deepEqual(found, []);
});
