/** The page of `try` in a real browser, with fake checkpoints: what it takes, what it sends, and what it shows. */
import assert from "node:assert/strict";
import { ask, until } from "../../support/browser.ts";
import { picture, send, settled, tryPages } from "../../support/try-pages.ts";

describe("the page of try", () => {
  const pages = tryPages();

  it("keeps to its own server and to its policy, and says nothing in the console", async () => {
    const { page, requests, complaints } = await pages.openWithPicture();
    for (const mode of ["ask", "chat", "match", "caption"]) await page.click(`#mode-${mode}`);
    await page.click("#send");
    await settled(page);
    assert.deepEqual(complaints, []);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(pages.url()) && !url.startsWith("blob:")),
      [],
    );
    await ask(
      page,
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'taken'" }))`,
    );
    assert.equal(await page.title(), "Try a checkpoint · blip2-bench");
  });

  it("captions an image that was chosen, with the words given", async () => {
    const { page } = await pages.openWithPicture();
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
    const { page } = await pages.open();
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
    const { page } = await pages.openWithPicture();
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
    const { page } = await pages.openWithPicture();
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
    const { page } = await pages.openWithPicture();
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
    const { page } = await pages.openWithPicture();
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
    const [request] = await Promise.all([page.waitForRequest(`${pages.url()}/answers`), page.click("#send")]);
    const { decoding } = request.postDataJSON() as { decoding: object };
    const sampling = { temperature: 0.73, topP: 0.9, seed: 0 };
    assert.deepEqual(decoding, { beams: null, maxNewTokens: null, sampling });
    await settled(page);
  });

  it("matches texts, one a line", async () => {
    const { page } = await pages.openWithPicture();
    await page.click("#mode-match");
    await page.fill("#texts", "a red circle\n\n  a blue star \n");
    await page.press("#texts", "Control+Enter");
    await settled(page);
    assert.deepEqual(await page.locator(".matches tbody tr").allInnerTexts(), [
      "50.0 %\t0.000\ta red circle",
      "33.3 %\t0.100\ta blue star",
    ]);
  });

  it("asks a Q-Former that writes for captions and matches, beside others, and no questions", async () => {
    const { page } = await pages.openWithPicture();
    const chosen = (): Promise<readonly string[]> =>
      ask(page, "[...document.querySelectorAll('.lane select:first-child')].map(({ value }) => value)");
    const size = picture.buffer.length;
    await page.click("#add-lane");
    await page.selectOption(".lane:nth-child(2) select:first-child", "fake-itg");
    await page.fill("#words", "a slowly drawn image");
    await page.click("#send");
    await until(page, `document.querySelectorAll(".said")[1]?.textContent === "a slowly"`); // grows word by word
    await settled(page);
    const captions = ["fake", "fake-itg"].map((name) => `a slowly drawn image of ${size} bytes by ${name} fp32`);
    assert.deepEqual(await page.locator(".said").allInnerTexts(), captions);
    assert.equal(await page.locator(".column:nth-child(2) .tokens li").count(), captions[1]!.split(" ").length);

    const reason = "fake-itg is not asked: its Q-Former was trained to describe images, not to answer questions.";
    for (const mode of ["ask", "chat"]) {
      await page.click(`#mode-${mode}`);
      assert.equal(await page.innerText("#lanes .rows p"), reason);
      const [request] = await Promise.all([page.waitForRequest(`${pages.url()}/answers`), send(page, "what?")]);
      const { asked } = request.postDataJSON() as { asked: readonly { checkpoint: string }[] };
      assert.deepEqual(
        asked.map(({ checkpoint }) => checkpoint),
        ["fake"],
      );
      await settled(page);
    }
    await page.click(".lane:nth-child(1) button");
    await send(page, "what?");
    assert.equal(await page.innerText("#status"), "No checkpoint that is chosen can do this.");
    await page.click("#mode-caption");
    assert.deepEqual(await chosen(), ["fake-itg"]);
    assert.equal(await page.locator("#lanes .rows p").count(), 0);

    await page.click("#mode-ask");
    await page.selectOption(".lane select:first-child", "fake-two");
    assert.equal(await page.locator("#lanes .rows p").count(), 0);
    const names = await page.locator(".lane select:first-child option").allInnerTexts();
    assert.deepEqual(names, ["fake", "fake-two", "fake-broken"]);
    await page.click("#mode-match");
    await page.selectOption(".lane select:first-child", "fake-itg");
    await page.fill("#texts", "a red circle");
    await page.click("#send");
    await settled(page);
    assert.deepEqual(await page.locator(".matches tbody tr").allInnerTexts(), ["50.0 %\t0.000\ta red circle"]);
  });

  it("says what is wrong with an image that is none, and one that is too large", async () => {
    const { page } = await pages.openWithPicture();
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
    const { page } = await pages.open();
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
    const { page } = await pages.openWithPicture();
    await page.selectOption(".lane select", "fake-broken");
    await page.click("#send");
    await settled(page);
    assert.equal(await page.innerText(".reply .bad"), "fake-broken: no config.json in it.");
  });

  it("lets go of what it asked when the tab is closed", async () => {
    const { page } = await pages.openWithPicture();
    await page.click("#mode-ask");
    await send(page, `slowly ${"word ".repeat(300)}`); // eighteen seconds
    await until(page, `(document.querySelector(".said")?.textContent.length ?? 0) > 0`);
    const { page: other } = await pages.openWithPicture();
    await other.click("#mode-ask");
    await send(other, "and I?");
    await until(other, `document.querySelector(".state")?.textContent === "1 answer before this one"`);
    await page.close();
    await settled(other);
    assert.equal(await other.innerText(".said"), "you asked: and I?");
  });
});
