/** Takes the pictures of README and docs: screenshots of the real pages in a browser, light and dark, as WebP. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import sharp from "sharp";
import { chromiumPath, openUrl, startBrowser, until } from "../../../test/support/browser.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export const pictureFolder = "docs/pictures";

const schemes = ["light", "dark"] as const;
const pixelsPerPoint = 1.5; // sharp on a laptop's screen, and still a small file
const quality = 82; // WebP quality at which letters have no visible fringes

interface Shot {
  readonly name: string;
  readonly url: string;
  readonly width: number;
  readonly height: number;
  /** Scrolls, clicks or types before the screenshot is taken. */
  readonly stage?: (page: Page) => Promise<void>;
}

export interface PictureOptions {
  /** The project's folder, where pictures are put. */
  readonly root: string;
  /** The command's compiled file. */
  readonly command: string;
  /** Path of the HTML report on the bundled checkpoints that generate. */
  readonly report: string;
  /** Path of an HTML report on VQA runs only, so that its samples are questions. */
  readonly samples: string;
  readonly onPicture: (name: string) => void;
}

export async function takePictures({ root, command, report, samples, onPicture }: PictureOptions): Promise<void> {
  if (chromiumPath === null) {
    throw new UsageError(
      "docs: found no Chromium, expected one at a usual place. Install it, or name it in CHROMIUM_PATH.",
    );
  }
  const browser = await startBrowser(chromiumPath);
  const server = spawn(process.execPath, [command, "try", "--port", "0"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const [line] = (await once(server.stdout.setEncoding("utf8"), "data")) as [string];
    const shots: readonly Shot[] = [
      { name: "report", url: pathToFileURL(report).href, width: 1250, height: 1085 },
      { name: "samples", url: pathToFileURL(samples).href, width: 1200, height: 838, stage: toSamples },
      { name: "try", url: line.trim(), width: 1200, height: 720, stage: askTwo },
    ];
    for (const shot of shots) {
      for (const scheme of schemes) {
        const name = `${shot.name}-${scheme}.webp`;
        await take(browser, shot, { scheme, file: join(root, pictureFolder, name) });
        onPicture(`${pictureFolder}/${name}`);
      }
    }
  } finally {
    server.kill();
    await browser.close();
  }
}

async function take(
  browser: Browser,
  { url, width, height, stage }: Shot,
  { scheme, file }: { readonly scheme: (typeof schemes)[number]; readonly file: string },
): Promise<void> {
  const { page } = await openUrl(browser, url, {
    viewport: { width, height },
    colorScheme: scheme,
    deviceScaleFactor: pixelsPerPoint,
    reducedMotion: "reduce",
  });
  await stage?.(page);
  await sharp(await page.screenshot())
    .webp({ quality })
    .toFile(file);
  await page.context().close();
}

async function toSamples(page: Page): Promise<void> {
  await page.evaluate("document.querySelector('#gallery').scrollIntoView({ behavior: 'instant' })");
}

/** Asks two checkpoints one question about a bundled picture. */
async function askTwo(page: Page): Promise<void> {
  await page.waitForSelector("#samples button");
  await page.click("#samples button:nth-child(1)");
  await page.waitForSelector(".drop.filled:not([aria-busy=true])");
  await page.keyboard.press("m");
  await page.click("#mode-ask");
  for (const question of ["What color is the triangle?", "How many shapes are in the picture?"]) {
    await page.fill("#words", question); // the first loads the checkpoints, which the picture is not to show
    await page.press("#words", "Enter");
    await until(page, `document.querySelector("#cancel").hidden && document.querySelector(".reply") !== null`);
  }
}
