/** The page of a report in a real browser: what it shows, what it asks for, and that nothing in it can become code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { fakeCatalog, fakeModel } from "../support/fakes.ts";
import { findFolders } from "../../reports/records/find-folders.ts";
import { makeReport } from "../../harness/analysis/report/make-report.ts";
import type { MadeReport } from "../../harness/analysis/report/make-report.ts";
import { answerKey, thumbnailKey } from "../../reports/html/embedded-data.ts";
import { writeReport } from "../../reports/write-report.ts";
import { fakeInProcess } from "../support/command-process.ts";
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
      hubCache: folder,
      cacheFolder: folder,
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

  it("shows a table of answers, which its headings sort and columns of the data set filter", async () => {
    const { page } = await open("report");
    await page.selectOption("#view", "table");
    const rows = page.locator("#sample-table tbody tr");
    assert.equal(await rows.count(), 80); // 40 samples, two runs
    assert.ok(await page.locator("#cards").isHidden());
    const column = async (title: string): Promise<readonly string[]> => {
      const titles = (await page.locator("#sample-table thead th").allTextContents()).map((each) =>
        each.slice(0, title.length),
      );
      return await page.locator(`#sample-table tbody tr > :nth-child(${titles.indexOf(title) + 1})`).allTextContents();
    };
    const sorted = (): Promise<readonly string[]> => page.locator("#sample-table thead [aria-sort]").allTextContents();
    assert.deepEqual(await sorted(), []);
    const latency = page.getByRole("button", { name: "Latency, ms" });
    await latency.focus();
    await page.keyboard.press("Enter");
    assert.deepEqual(await sorted(), ["Latency, ms ↑"]);
    const times = (await column("Latency")).map(Number);
    assert.ok(times.every((ms) => ms > 0));
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
    await page.keyboard.press("Enter"); // the heading still has the focus
    assert.deepEqual(await sorted(), ["Latency, ms ↓"]);
    assert.deepEqual(
      (await column("Latency")).map(Number),
      [...times].sort((a, b) => b - a),
    );
    await page.selectOption("#sort-by", "column answerType");
    await page.selectOption("#sort-order", "ascending");
    const types = await column("answerType");
    assert.deepEqual([...new Set(types)], ["number", "other", "yes/no"]);
    await page.selectOption("#filter-column", { label: "number" });
    assert.equal(await rows.count(), types.filter((type) => type === "number").length);
    const cards = page.locator(".card");
    await page.selectOption("#view", "cards");
    assert.equal(await cards.count(), types.filter((type) => type === "number").length / 2);
  });

  it("opens a sample whole, by keyboard, with its scores worked out as `show` does it", async () => {
    const { page, complaints } = await open("report");
    await page.selectOption("#view", "table");
    const first = page.locator("#sample-table tbody th button").first();
    const id = await first.innerText();
    await first.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: await page.innerText("#opened-title") });
    const said = await dialog.innerText();
    const { out } = await fakeInProcess(folder, "show", join(folder, "a"), id);
    const lines = out.split("\n").flatMap((line) => line.split(/ {2,}/));
    for (const line of lines.filter((each) => /^(?:accuracy|annotator|min\(|"Question|each: )/.test(each))) {
      assert.ok(said.includes(line), line);
    }
    assert.match(said, /annotator 1/);
    assert.match(said, /tokens\nanswer\n\d+ \d+\n/); // by number: the fake has no tokenizer
    assert.match(said, /times\ndecode\n[\d.]+ ms/);
    assert.match(await page.innerText("#gallery .notes"), /run-1: Tokens by number only: /);
    assert.equal(await dialog.locator("details[open]").count(), 1); // the other run's answer is folded
    assert.equal(await ask<number>(page, "document.querySelector('#opened img').naturalWidth > 20 ? 1 : 0"), 1);
    await dialog.getByRole("button", { name: "Next" }).click();
    assert.ok(!(await page.innerText("#opened")).includes(id));
    await page.keyboard.press("Escape");
    assert.ok(await page.locator("#opened").isHidden());
    assert.equal(await ask<string>(page, "document.activeElement.textContent"), id);
    assert.deepEqual(complaints, []);
  });

  it("shows thousands of samples a hundred rows at a time, and failed ones as failed", async () => {
    assert.ok(made !== null);
    await writeReport(join(folder, "thousands"), longReport(made, 5000));
    const { page, complaints } = await open("thousands", {
      viewport: { width: 390, height: 800 },
      colorScheme: "dark",
    });
    await page.selectOption("#view", "table");
    assert.equal(await page.innerText("#gallery-count"), "5000 of 5000 samples");
    await page.getByRole("button", { name: "Sample", exact: true }).click();
    await page.getByRole("button", { name: "Sample ↑", exact: true }).click();
    const ids = page.locator("#sample-table tbody th");
    assert.equal(await ids.count(), 100);
    assert.equal(await ids.first().innerText(), "4999");
    await page.click("#more");
    assert.equal(await ids.count(), 200);
    await page.selectOption("#filter-verdict", "failed");
    assert.equal(await page.innerText("#gallery-count"), "1 of 5000 samples");
    await ids.first().locator("button").click();
    assert.match(await page.innerText("#opened"), /failed\ncannot be read/);
    assert.equal(await ask<number>(page, "document.documentElement.scrollWidth"), 390);
    assert.ok(await ask<boolean>(page, "document.querySelector('#opened').scrollWidth <= 390"));
    assert.deepEqual(complaints, []);
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
    await page.selectOption("#view", "table");
    for (const place of ["tbody td:nth-child(2)", "tbody td:nth-child(4)", "thead th:nth-child(8) button"]) {
      assert.equal(await page.locator(`#sample-table ${place}`).first().textContent(), hostile, place);
    }
    await page.locator("#sample-table tbody th button").first().click();
    assert.equal(await page.textContent("#opened-title"), hostile);
    assert.equal(await page.locator("#opened :is(script, img[src=x])").count(), 0);
    const markdown = readFileSync(join(folder, "hostile", "report.md"), "utf8");
    assert.doesNotMatch(markdown, /<script|<img/);
  });
});

/** The same report with hostile names, questions, answers and folders. */
function hostileReport({ report, details }: MadeReport): MadeReport {
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
    columns: { [hostile]: hostile },
    answers: sample.answers.map((answer) => ({ ...answer, text: hostile, prompt: hostile })),
  }));
  const apart = [{ folder: hostile, kind: "run" as const, reasons: [hostile], rows: [] }];
  const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
  return {
    report: { ...report, runs, apart, gallery: { ...report.gallery, samples } },
    thumbnails: new Map([[thumbnailKey("group-1", hostile), pixel]]),
    details: new Map([...details].map(([key, one]) => [key, { ...one, text: hostile, prompt: hostile }])),
  };
}

/** A report of so many samples, numbered from 0, in place of those it has; the last one failed in the first run. */
function longReport({ report, thumbnails, details }: MadeReport, count: number): MadeReport {
  const { samples } = report.gallery;
  const all = Array.from({ length: count }, (_, index) => ({ ...samples[index % samples.length]!, id: String(index) }));
  const first = [...details.values()][0]!;
  const failed = { ...first, status: "failed" as const, text: "cannot be read" };
  return {
    report: { ...report, gallery: { ...report.gallery, samples: all } },
    thumbnails,
    details: new Map([[answerKey("run-1", String(count - 1)), failed]]),
  };
}
