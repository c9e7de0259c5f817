/** The page of `try` in a headless Chromium, on a server with fake checkpoints: opened, given a picture, asked. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromiumPath, openUrl, startBrowser, until } from "./browser.ts";
import type { Opened } from "./browser.ts";
import { hangMs } from "./project.ts";
import { bundledImage, startTry } from "./try-server.ts";
import type { Tried } from "./try-server.ts";

export const picture = { name: "photo.jpg", mimeType: "image/jpeg", buffer: readFileSync(bundledImage) };
export const wide = { width: 1280, height: 860 };

export interface TryPages {
  readonly url: () => string;
  /** Ready; all its waits are bounded. */
  readonly open: (options?: BrowserContextOptions) => Promise<Opened>;
  readonly openWithPicture: (options?: BrowserContextOptions) => Promise<Opened>;
}

/** Server and browser of the suite it is called in, which is skipped where there is no browser. */
export function tryPages(): TryPages {
  let browser: Browser | null = null;
  let tried: Tried | null = null;
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
    await tried?.stop();
  });

  const url = (): string => {
    assert.ok(tried !== null);
    return tried.url;
  };
  const open = async (options: BrowserContextOptions = {}): Promise<Opened> => {
    assert.ok(browser !== null);
    const opened = await openUrl(browser, `${url()}/`, { viewport: wide, ...options });
    opened.page.setDefaultTimeout(hangMs);
    await opened.page.waitForSelector("#samples button");
    return opened;
  };
  const openWithPicture = async (options: BrowserContextOptions = {}): Promise<Opened> => {
    const opened = await open(options);
    await opened.page.setInputFiles("#file", picture);
    await opened.page.waitForSelector(".drop.filled");
    return opened;
  };
  return { url, open, openWithPicture };
}

export async function send(page: Page, words: string): Promise<void> {
  await page.fill("#words", words);
  await page.press("#words", "Enter");
}

/** Comes back when nothing is on its way any more. */
export function settled(page: Page): Promise<void> {
  return until(page, `document.querySelector("#cancel").hidden && document.querySelector(".reply") !== null`);
}
