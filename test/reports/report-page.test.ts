/** The page of a report in a real browser: what it shows, what it asks for, and that nothing in it can become code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { fakeCatalog, fakeModel } from "../support/fakes.ts";
import { findFolders } from "../../reports/records/find-folders.ts";
import { makeReport } from "../../harness/analysis/report/make-report.ts";
import type { MadeReport } from "../../harness/analysis/report/make-report.ts";
import type { Report } from "../../reports/report/report-data.ts";
import { thumbnailKey } from "../../reports/html/gallery.ts";
import { writeReport } from "../../reports/write-report.ts";
import { ask, chromiumPath, openPage, startBrowser } from "../support/browser.ts";
import { benchPoint, makeBench, makeRun } from "../support/report-folders.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const hostile = `</script><script>document.title="taken"</script>"><img src=x onerror="alert(1)"><b>'&amp;`;

describe("the page of a report", () => {
  const folder = temporaryFolder();
  let browser: Browser | null = null;
  let made: MadeReport | null = null;

  before(async function () {
    if (chromiumPath === null) {
      this.skip(); // no Chromium here: install it, or name it in CHROMIUM_PATH
      return;
    }
    const runs = [
      await makeRun(folder, "a", "--limit", "60"),
      await makeRun(folder, "b", "--limit", "60", "--precision", "int8", "--batch-size", "4"),
    ];
    const bench = makeBench(folder, [
      benchPoint("one"),
      benchPoint("two", { precision: "int8", validity: "INVALID", invalidReasons: ["too short"] }),
    ]);
    const catalog = fakeCatalog(() => Promise.resolve(fakeModel()));
    made = await makeReport(await findFolders([...runs, bench, join(folder, "nothing")]), {
      catalog,
      data: null,
      samples: 40,
      seed: 1,
      version: "0",
    });
    await writeReport(join(folder, "report"), made);
    browser = await startBrowser(chromiumPath);
  });
  after(() => browser?.close());

  const open = (name: string, options = {}): ReturnType<typeof openPage> => {
    assert.ok(browser !== null);
    return openPage(browser, join(folder, name, "index.html"), options);
  };

  it("opens from a file, asks for nothing, and keeps its policy", async () => {
    const { page, requests, complaints } = await open("report");
    assert.deepEqual([requests, complaints], [[], []]);
    assert.equal(await page.title(), "blip2-bench report");
    const sections = await ask<string[]>(page, "[...document.querySelectorAll('section')].map(({ id }) => id)");
    assert.deepEqual(sections, [
      "summary",
      "accuracy",
      "trade",
      "speed",
      "stages",
      "bench",
      "precisions",
      "apart",
      "gallery",
      "provenance",
    ]);
    assert.match(await page.innerText("#bench"), /INVALID: too short/);
    assert.match(await page.innerText("#bench"), /QUICK/);
  });

  it("has a policy that lets no other script run", async () => {
    const { page, complaints } = await open("report");
    await ask(
      page,
      `document.body.append(Object.assign(document.createElement("script"), { textContent: "document.title = 'taken'" }))`,
    );
    assert.equal(await page.title(), "blip2-bench report");
    assert.match(complaints.join(), /Content Security Policy/);
  });

  it("draws its charts, with marks inside them and images in the cards", async () => {
    const { page } = await open("report");
    const charts = page.locator("figure svg[role=img]");
    assert.ok((await charts.count()) >= 8);
    assert.equal(await page.locator("figure svg[role=img]:not(:has(.mark, rect, .curve))").count(), 0);
    const outside = await ask<string[]>(
      page,
      `[...document.querySelectorAll("figure svg[role=img]")].flatMap((one) => {
        const frame = one.getBoundingClientRect();
        return [...one.querySelectorAll("text, .mark")].filter((mark) => {
          const box = mark.getBoundingClientRect();
          return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
        });
      }).map(({ textContent }) => textContent)`,
    );
    assert.deepEqual(outside, []);
    const widths = await ask<number[]>(
      page,
      "[...document.querySelectorAll('.card img')].map((one) => one.naturalWidth)",
    );
    assert.ok(widths.length > 0 && widths.every((width) => width > 20));
  });

  it("filters by answer, by runs that differ and by words", async () => {
    const { page } = await open("report");
    const count = (): Promise<string> => page.innerText("#gallery-count");
    assert.equal(await count(), "40 of 40 samples");
    await page.selectOption("#filter-verdict", "right");
    const right = Number.parseInt(await count(), 10);
    assert.ok(right > 0 && right < 40);
    assert.equal(await page.locator(".card").count(), Math.min(right, 24));
    await page.selectOption("#filter-verdict", "");
    await page.selectOption("#filter-runs", "differ");
    const counted = async (): Promise<number> => Number(/^\d+/.exec(await count())?.[0] ?? 0); // none is said in words
    const differ = await counted();
    assert.ok(differ > 0);
    await page.selectOption("#filter-runs", "agree");
    assert.equal(differ + (await counted()), 40);
    await page.selectOption("#filter-runs", "");
    await page.fill("#filter-search", "HOW MANY");
    const found = await page.locator(".card h3").allTextContents();
    assert.ok(found.length > 0 && found.length < 24);
    await page.fill("#filter-search", "no such words");
    assert.equal(await count(), "No sample is like that.");
    await page.fill("#filter-search", "");
    await page.click("#more");
    assert.equal(await page.locator(".card").count(), 40);
  });

  for (const width of [390, 1280]) {
    it(`does not scroll sideways at ${width} pixels, dark or light`, async () => {
      for (const colorScheme of ["light", "dark"] as const) {
        const { page } = await open("report", { viewport: { width, height: 800 }, colorScheme });
        assert.equal(await ask<number>(page, "document.documentElement.scrollWidth"), width);
      }
    });
  }

  it("unfolds what is folded while it is printed, and fits the width of a page", async () => {
    const { page } = await open("report", { viewport: { width: 700, height: 990 } }); // A4 between usual margins
    const folded = (): Promise<number> => page.locator("details:not([open], .small)").count();
    const before = await folded();
    assert.ok(before > 0);
    await page.emulateMedia({ media: "print" });
    await ask(page, 'dispatchEvent(new Event("beforeprint"))');
    assert.equal(await folded(), 0);
    const widths = await ask<number[][]>(
      page,
      '[...document.querySelectorAll(".table")].map(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])',
    );
    assert.ok(widths.length > 3);
    for (const [wanted = 0, given = 0] of widths) assert.ok(wanted <= given, `${wanted} in ${given}`);
    await ask(page, 'dispatchEvent(new Event("afterprint"))');
    assert.equal(await folded(), before);
  });

  it("shows whatever is said as text, in every place", async () => {
    assert.ok(made !== null);
    await writeReport(join(folder, "hostile"), hostileReport(made));
    const { page, requests, complaints } = await open("hostile");
    assert.deepEqual([requests, complaints], [[], []]);
    assert.equal(await page.title(), "blip2-bench report");
    assert.equal(await page.locator("img[src=x]").count(), 0);
    assert.equal(await page.locator("script").count(), 2);
    for (const place of ["#summary td:nth-child(2)", ".card h3", ".card .answer", ".picture figcaption"]) {
      assert.equal(await page.locator(place).first().textContent(), hostile, place);
    }
    const markdown = readFileSync(join(folder, "hostile", "report.md"), "utf8");
    assert.doesNotMatch(markdown, /<script|<img/);
  });
});

/** The same report with hostile names, questions, answers and folders. */
function hostileReport({ report }: MadeReport): { report: Report; thumbnails: ReadonlyMap<string, string> } {
  const runs = report.runs.map((run) => ({
    ...run,
    folder: hostile,
    rows: run.rows.map((row) => ({ ...row, checkpoint: hostile, metric: hostile })),
    record: { ...run.record, checkpoint: { ...run.record.checkpoint, name: hostile, source: hostile } },
  }));
  const samples = report.gallery.samples.map((sample) => ({
    ...sample,
    question: hostile,
    image: hostile,
    references: [hostile],
    answers: sample.answers.map((answer) => ({ ...answer, text: hostile, prompt: hostile })),
  }));
  const apart = [{ folder: hostile, kind: "run" as const, reasons: [hostile], rows: [] }];
  const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
  return {
    report: { ...report, runs, apart, gallery: { ...report.gallery, samples } },
    thumbnails: new Map([[thumbnailKey("group-1", hostile), pixel]]),
  };
}
