/** The page of `try` in a real browser, with fake checkpoints: what it shows, what it sends, and that nothing becomes markup. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { ask, chromiumPath, openUrl, startBrowser, until } from "./browser.ts";
import type { Opened } from "./browser.ts";
import { bundledImage, startTry, waitMs } from "./try-server.ts";
import type { Tried } from "./try-server.ts";

const hostile = `<script>document.title="taken"</script>"><img src=x onerror="document.title='taken'"><b>'&amp;`;
const picture = { name: "photo.jpg", mimeType: "image/jpeg", buffer: readFileSync(bundledImage) };
const wide = { width: 1280, height: 860 };
const phone = { width: 375, height: 700 };

describe("the page of try", function () {
  this.timeout(3 * waitMs);
  let browser: Browser | null = null;
  let tried: Tried;

  before(async function () {
    if (chromiumPath === null) {
      this.skip(); // no Chromium here: install it, or name it in CHROMIUM_PATH
      return;
    }
    tried = await startTry();
    browser = await startBrowser(chromiumPath);
  });
  after(async () => {
    await browser?.close();
    if (browser !== null) await tried.stop();
  });

  /** The page, ready; all its waits are bounded. */
  async function open(hash = "", options: Parameters<typeof openUrl>[2] = {}): Promise<Opened> {
    assert.ok(browser !== null);
    const opened = await openUrl(browser, `${tried.url}/${hash}`, { viewport: wide, ...options });
    opened.page.setDefaultTimeout(waitMs);
    await opened.page.waitForSelector("#samples button");
    return opened;
  }
  async function openWithPicture(options: Parameters<typeof openUrl>[2] = {}): Promise<Opened> {
    const opened = await open("", options);
    await opened.page.setInputFiles("#file", picture);
    await opened.page.waitForSelector(".drop.filled");
    return opened;
  }
  async function send(page: Page, words: string): Promise<void> {
    await page.fill("#words", words);
    await page.press("#words", "Enter");
  }
  /** Comes back when nothing is on its way any more. */
  const settled = (page: Page): Promise<void> =>
    until(page, `document.querySelector("#cancel").hidden && document.querySelector(".reply") !== null`);

  it("keeps to its own server and to its policy, and says nothing in the console", async () => {
    const { page, requests, complaints } = await openWithPicture();
    for (const mode of ["ask", "chat", "match", "caption"]) await page.click(`#mode-${mode}`);
    await page.click("#send");
    await settled(page);
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(tried.url) && !url.startsWith("blob:")),
      [],
    );
    await ask(
      page,
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'taken'" }))`,
    );
    assert.equal(await page.title(), "Try a checkpoint · blip2-bench");
  });

  it("captions an image that was chosen, with the words given", async () => {
    const { page } = await openWithPicture();
    assert.match(await page.innerText("#picture-note"), /^JPEG, \d+ × \d+$/);
    assert.ok((await ask<number>(page, "document.querySelector('#preview').naturalWidth")) > 20);
    await send(page, "a drawing");
    await settled(page);
    assert.equal(await page.innerText(".said"), `a drawing of ${picture.buffer.length} bytes by fake fp32`);
    assert.match(await page.innerText(".detail summary"), /^first words .* ms, all .* ms$/);
    await page.click(".detail summary");
    assert.match(await page.innerText(".stages"), /image encoder\s+30 ms/);
    assert.match(await page.innerText(".tokens li:nth-child(2)"), /^·drawing\s+50 %$/);
  });

  it("takes an image that is dropped, one that is pasted, and one that comes with the program", async () => {
    const { page } = await open();
    const transfer = `const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob("${picture.buffer.toString("base64")}"), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));`;
    const shown = async (): Promise<string> => {
      await page.waitForSelector(".drop.filled:not([aria-busy=true])");
      return ask<string>(page, "document.querySelector('#preview').src");
    };
    await ask(
      page,
      `${transfer} document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }))`,
    );
    const dropped = await shown();
    assert.match(dropped, /^blob:/);
    await ask(page, `${transfer} document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer }))`);
    await until(page, `document.querySelector("#preview").src !== "${dropped}"`);
    const pasted = await shown();
    await page.click("#samples button:nth-child(4)");
    await until(page, `document.querySelector("#preview").src !== "${pasted}"`);
    assert.equal(await page.getAttribute("#samples button:nth-child(4)", "aria-pressed"), "true");
  });

  it("shows answers as they grow, and lets them be cancelled by a key", async () => {
    const { page } = await openWithPicture();
    await page.click("#mode-ask");
    await send(page, `slowly ${"word ".repeat(100)}`);
    const seen = new Set<number>();
    await until(page, `(document.querySelector(".said")?.textContent.length ?? 0) > 0`);
    for (let each = 0; each < 4; each += 1) {
      const length = (await page.innerText(".said")).length;
      seen.add(length);
      await until(page, `document.querySelector(".said").textContent.length > ${length}`);
    }
    assert.equal(seen.size, 4);
    assert.equal(await page.getAttribute(".reply", "aria-busy"), "true");
    assert.deepEqual(
      [...seen],
      [...seen].toSorted((a, b) => a - b),
    );
    await page.keyboard.press("Escape");
    await settled(page);
    assert.equal(await page.innerText("#status"), "Cancelled");
    assert.equal(await page.getAttribute(".reply", "aria-busy"), "false");
    await send(page, "short");
    await settled(page);
    assert.equal(await page.innerText(".said >> nth=0"), "you asked: short");
  });

  it("asks several checkpoints and precisions side by side", async () => {
    const { page } = await openWithPicture();
    await page.click("#add-lane");
    await page.click("#add-lane");
    await page.selectOption(".lane:nth-child(3) select:first-child", "fake");
    await page.selectOption(".lane:nth-child(3) select:nth-child(2)", "int8");
    await page.click("#send");
    await settled(page);
    const size = picture.buffer.length;
    const expected = ["fake fp32", "fake-two fp32", "fake int8"].map((name) => `an image of ${size} bytes by ${name}`);
    assert.deepEqual(await page.locator(".said").allInnerTexts(), expected);
    const tops = await ask<number[]>(
      page,
      "[...document.querySelectorAll('.column')].slice(0, 2).map((one) => one.getBoundingClientRect().top)",
    );
    assert.equal(tops[0], tops[1], "beside each other");
  });

  it("holds a conversation, takes a turn back, and begins anew with another image", async () => {
    const { page } = await openWithPicture();
    await page.click("#mode-chat");
    const say = async (words: string): Promise<readonly string[]> => {
      await send(page, words);
      await settled(page);
      return page.locator(".chat .said").allInnerTexts();
    };
    assert.deepEqual(await say("one"), ["turn 1: one"]);
    assert.deepEqual(await say("two"), ["turn 1: one", "turn 2: two"]);
    await page.click("text=Undo");
    assert.deepEqual(await say("three"), ["turn 1: one", "turn 2: three"]);
    await say("four");
    await say("five");
    assert.match(await page.innerText(".reply .note"), /The oldest turn did not fit the model's context any more/);
    await page.click("#samples button:nth-child(2)");
    await until(page, `document.querySelectorAll(".turns li").length === 0`);
    assert.match(await page.innerText("#status"), /the conversation begins anew/);
    assert.deepEqual(await say("six"), ["turn 1: six"]);
  });

  it("takes how text is made, and shows which number cannot be", async () => {
    const { page } = await openWithPicture();
    await page.click("#how summary");
    await page.fill("#beams", "99");
    await page.click("#how summary");
    await page.click("#send");
    assert.equal(await page.getAttribute("#how", "open"), "");
    assert.equal(await page.locator(".reply").count(), 0);
    await page.fill("#beams", "3");
    assert.equal(await page.innerText("#how-words"), "with 3 beams");
    await page.check("#draw");
    await page.fill("#temperature", "0.73");
    assert.equal(await page.innerText("#how-words"), "by drawing, temperature 0.73, top p 0.9, seed 0");
    const [request] = await Promise.all([page.waitForRequest(`${tried.url}/answers`), page.click("#send")]);
    const { decoding } = request.postDataJSON() as { decoding: object };
    const sampling = { temperature: 0.73, topP: 0.9, seed: 0 };
    assert.deepEqual(decoding, { beams: null, maxNewTokens: null, sampling });
    await settled(page);
  });

  it("matches texts, one a line", async () => {
    const { page } = await openWithPicture();
    await page.click("#mode-match");
    await page.fill("#texts", "a red circle\n\n  a blue star \n");
    await page.press("#texts", "Control+Enter");
    await settled(page);
    assert.deepEqual(await page.locator(".matches tbody tr").allInnerTexts(), [
      "50.0 %\t0.000\ta red circle",
      "33.3 %\t0.100\ta blue star",
    ]);
  });

  it("says what is wrong with an image that is none, and one that is too large", async () => {
    const { page } = await openWithPicture();
    await page.setInputFiles("#file", { ...picture, buffer: Buffer.from("<html>not found</html>") });
    await page.waitForSelector("#picture-error:not([hidden])");
    assert.match(
      await page.innerText("#picture-error"),
      /^The file: found a web page, .*expected JPEG, PNG, WebP or GIF/,
    );
    assert.ok(await page.isVisible("#preview"), "the one before is still there");
    await page.setInputFiles("#file", { ...picture, buffer: Buffer.alloc(1_200_000) });
    await until(page, `document.querySelector("#picture-error").textContent.includes("--max-upload")`);
    assert.match(await page.innerText("#picture-error"), /^The file has 1\.2 MB, expected at most 1 MB\./);
  });

  it("says what is missing before it sends anything", async () => {
    const { page } = await open();
    await page.click("#send");
    assert.equal(await page.innerText("#status"), "An image first: drop, paste or choose one.");
    await page.setInputFiles("#file", picture);
    await page.waitForSelector(".drop.filled");
    await page.click("#mode-ask");
    await page.click("#send");
    assert.equal(await page.innerText("#status"), "A question first.");
    assert.equal(await page.locator(".reply").count(), 0);
  });

  it("says why a checkpoint does not answer", async () => {
    const { page } = await openWithPicture();
    await page.selectOption(".lane select", "fake-broken");
    await page.click("#send");
    await settled(page);
    assert.equal(await page.innerText(".reply .bad"), "fake-broken: no config.json in it.");
  });

  it("shows whatever is asked and answered as text", async () => {
    const { page, complaints } = await openWithPicture();
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
    const { page } = await open();
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
        const { page } = await openWithPicture({ viewport, colorScheme });
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

  it("lets go of what it asked when the tab is closed", async () => {
    const { page } = await openWithPicture();
    await page.click("#mode-ask");
    await send(page, `slowly ${"word ".repeat(300)}`); // eighteen seconds
    await until(page, `(document.querySelector(".said")?.textContent.length ?? 0) > 0`);
    const { page: other } = await openWithPicture();
    await other.click("#mode-ask");
    await send(other, "and I?");
    await until(other, `document.querySelector(".state")?.textContent === "1 answer before this one"`);
    await page.close();
    await settled(other);
    assert.equal(await other.innerText(".said"), "you asked: and I?");
  });
});
