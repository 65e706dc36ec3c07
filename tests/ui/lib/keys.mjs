// A person without a mouse: Tab, Enter, Space, Escape, arrows and letters. Each stop must be seen to have the focus, and the
// focus must never be lost.
import assert from "node:assert/strict";
import { ADMINISTRATOR } from "./pbx.mjs";

/** More stops than any page has. */
const MOST_TABS = 160;

export function keys(page) {
  const press = (key) => page.keyboard.press(key);

  /** What has the focus, and whether it is one of these. */
  const look = (wanted) =>
    wanted.evaluateAll((found) => {
      const at = document.activeElement;
      // A field of several parts is framed as one.
      const shown = [at, at.parentElement].filter(Boolean).some((one) => {
        const style = getComputedStyle(one);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
      });
      const what = `${at.tagName} ${at.getAttribute("aria-label") ?? at.textContent.trim().slice(0, 40)}`;
      return { hit: found.includes(at), lost: at === document.body, shown: shown || ["H1", "MAIN"].includes(at.tagName), what };
    });

  /** Presses Tab until the focus is at what has this role and name. */
  async function reach(role, name, { inside = page, exact = true } = {}) {
    const wanted = inside.getByRole(role, { name, exact: exact && typeof name === "string" });
    await wanted.first().waitFor();
    let lost = 0;
    for (let pressed = 0; pressed < MOST_TABS; pressed += 1) {
      const { hit, lost: nowhere, shown, what } = await look(wanted);
      if (hit) {
        assert.ok(shown, `nobody sees that the focus is at ${what}`);
        return;
      }
      // Behind the last stop of a page comes the browser's own frame, once.
      lost = nowhere ? lost + 1 : 0;
      assert.ok(lost < 3, `the focus is lost on the way to the ${role} "${name}"`);
      assert.ok(nowhere || shown, `nobody sees that the focus is at ${what}`);
      await press("Tab");
    }
    assert.fail(`no way by Tab to the ${role} "${name}"`);
  }

  const go = async (role, name, { key = "Enter", ...options } = {}) => {
    await reach(role, name, options);
    await press(key);
  };

  return {
    press,
    reach,
    go,
    /** Writes into a field in place of what stands there. */
    async write(name, text, options = {}) {
      await reach("textbox", name, options);
      await press("Control+A");
      await page.keyboard.type(text);
    },
    /** Chooses from a list by the first letters of a choice. */
    async choose(name, letters, options = {}) {
      await reach("combobox", name, options);
      await page.keyboard.type(letters);
    },
    /** Follows a link of the navigation to its page, whose heading then has the focus. */
    async visit(link, heading = link) {
      await go("link", link, { inside: page.getByRole("navigation") });
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
      await page.waitForFunction(() => document.activeElement?.tagName === "H1");
    },
    async signIn({ login, password } = ADMINISTRATOR) {
      await page.getByLabel("User name").waitFor();
      await this.write("User name", login);
      // The browser gives a field for passwords no role.
      await press("Tab");
      await page.keyboard.type(password);
      await press("Enter");
    },
    /** The focus is somewhere on the page: a dialog that closed gave it back. */
    async kept(what) {
      await page.waitForFunction(() => document.activeElement !== document.body, undefined, { timeout: 5_000 }).catch(() => {
        assert.fail(`the focus is lost after ${what}`);
      });
    },
  };
}
