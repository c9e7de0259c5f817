/** The manners of the page of `try`, in a real browser: text stays text, keys are enough, and a phone is wide enough. */
import assert from "node:assert/strict";
import { ask } from "../../support/browser.ts";
import { send, settled, tryPages, wide } from "../../support/try-pages.ts";

const hostile = `<script>document.title="taken"</script>"><img src=x onerror="document.title='taken'"><b>'&amp;`;
const phone = { width: 375, height: 700 };

describe("the manners of the page of try", () => {
  const pages = tryPages();

  it("shows whatever is asked and answered as text", async () => {
    const { page, complaints } = await pages.openWithPicture();
    await page.click("#mode-ask");
    await send(page, hostile);
    await settled(page);
    assert.equal(await page.innerText(".asked h3"), hostile);
    assert.equal(await page.innerText(".said"), `you asked: ${hostile}`);
    await page.click("#mode-chat");
    await send(page, hostile);
    await settled(page);
    assert.equal(await page.innerText(".question"), hostile);
    assert.equal(await page.innerText(".chat .said"), `turn 1: ${hostile}`);
    await page.click("#mode-match");
    await page.fill("#texts", hostile);
    await page.click("#send");
    await settled(page);
    assert.equal(await page.innerText(".matches .text"), hostile);
    assert.equal(await page.locator("img[src=x]").count(), 0);
    assert.equal(await page.locator("script").count(), 1);
    assert.equal(await page.title(), "Try a checkpoint · blip2-bench");
    assert.deepEqual(complaints, []);
  });

  it("is worked by the keyboard alone, and shows where the focus is", async () => {
    const { page } = await pages.open();
    await page.keyboard.press("n");
    await page.waitForSelector(".drop.filled");
    await page.keyboard.press("2");
    assert.equal(await page.getAttribute("#mode-ask", "aria-selected"), "true");
    await page.keyboard.press("/");
    await page.keyboard.type("what is 2/3?");
    await page.keyboard.press("Enter");
    await settled(page);
    assert.equal(await page.innerText(".said"), "you asked: what is 2/3?");
    assert.equal(await ask<string>(page, "document.activeElement.id"), "words");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.waitForSelector("#keys[open]");
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#keys[open]").count(), 0);
    await page.keyboard.press("m");
    assert.equal(await page.locator(".lane").count(), 2);
    await page.focus("#mode-ask");
    await page.keyboard.press("ArrowRight");
    assert.equal(await ask<string>(page, "document.activeElement.id"), "mode-chat");

    await page.focus("#help");
    const visited = new Set<string>();
    for (let each = 0; each < 40; each += 1) {
      await page.keyboard.press("Tab");
      const [name, outline] = await ask<[string, string]>(
        page,
        `(() => {
          const { activeElement: one } = document;
          return [one.id || one.ariaLabel || one.textContent, getComputedStyle(one).outlineStyle];
        })()`,
      );
      if (name === "" || (await ask<boolean>(page, "document.activeElement === document.body"))) break;
      assert.notEqual(outline, "none", `focus is seen on ${name}`);
      visited.add(name);
    }
    for (const name of ["choose-other", "Picture 1", "mode-chat", "words", "send", "Precision of lane 2", "add-lane"]) {
      assert.ok(visited.has(name), `${name} among ${[...visited].join(", ")}`);
    }
  });

  for (const viewport of [phone, wide]) {
    it(`does not scroll sideways at ${viewport.width} pixels, dark or light, in any mode`, async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        const { page } = await pages.openWithPicture({ viewport, colorScheme });
        await page.click("#add-lane");
        await page.click("#mode-ask");
        await send(page, `a${"long".repeat(60)} word`);
        await settled(page);
        for (const mode of ["caption", "ask", "chat", "match"]) {
          await page.click(`#mode-${mode}`);
          assert.equal(await ask<number>(page, "document.documentElement.scrollWidth"), viewport.width, mode);
        }
        const background = await ask<string>(page, "getComputedStyle(document.body).backgroundColor");
        assert.equal(background, colorScheme === "dark" ? "rgb(20, 23, 27)" : "rgb(255, 255, 255)");
      }
    });
  }
});
