/** A headless Chromium that opens a page, and notes whatever it asks for or complains of. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { hangMs } from "./project.ts";

const places = [
  process.env["CHROMIUM_PATH"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/** null: there is none on this machine. */
export const chromiumPath = places.find((place) => place !== "" && existsSync(place)) ?? null;

export function startBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ["--no-sandbox"] }); // root has no sandbox, and the page is our own
}

export interface Opened {
  readonly page: Page;
  /** URLs of everything that was asked for, data: and the page itself left out. */
  readonly requests: string[];
  /** Of the console, errors of scripts and violations of the policy among them. */
  readonly complaints: string[];
}

export function openPage(browser: Browser, file: string, options: BrowserContextOptions = {}): Promise<Opened> {
  return openUrl(browser, pathToFileURL(file).href, options);
}

export async function openUrl(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const [requests, complaints]: [string[], string[]] = [[], []];
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) requests.push(request.url());
  });
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(url);
  return { page, requests, complaints };
}

/** What an expression is in the page; as text, since the tests are not compiled for a browser. */
export function ask<Value>(page: Page, expression: string): Promise<Value> {
  return page.evaluate<Value, undefined>(expression, undefined);
}

/** Comes back when the expression is true in the page. Not page.waitForFunction: a strict policy lets it evaluate no text. */
export async function until(page: Page, expression: string, { limitMs = hangMs } = {}): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await ask<boolean>(page, expression))) {
    if (performance.now() >= end) {
      assert.fail(`not within ${limitMs} ms: ${expression}. The page says:\n${await page.innerText("body")}`);
    }
    await setTimeout(10);
  }
}
