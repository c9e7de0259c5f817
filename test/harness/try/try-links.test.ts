/** From a sample of a report to the page of `try`, in a real browser; and what is said where the way leads nowhere. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { findFolders } from "../../../reports/records/find-folders.ts";
import { makeReport } from "../../../harness/analysis/report/make-report.ts";
import type { LinkedSample } from "../../../harness/try/wire.ts";
import { writeReport } from "../../../reports/write-report.ts";
import { ask, chromiumPath, openPage, openUrl, startBrowser, until } from "../../support/browser.ts";
import { fakeCatalog, fakeModel } from "../../support/fakes.ts";
import { makeRun } from "../../support/report-folders.ts";
import { hangMs } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { startTry } from "../../support/try-server.ts";
import type { Tried } from "../../support/try-server.ts";

interface RunJson {
  identity: string;
  data: { folder: string | null };
}

describe("a link of a report to try", () => {
  const folder = temporaryFolder();
  let run = "";
  let tried: Tried;
  let browser: Browser | null = null;
  let runId = "";

  before(async () => {
    run = await makeRun(folder, "a", "--limit", "6", "--precision", "int8");
    runId = (JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as RunJson).identity.slice(0, 16);
    const catalog = fakeCatalog(() => Promise.resolve(fakeModel()));
    const made = await makeReport(await findFolders([run]), {
      catalog,
      hubCache: folder,
      cacheFolder: folder,
      data: null,
      samples: 6,
      seed: 1,
      version: "0",
    });
    await writeReport(join(folder, "report"), made);
    tried = await startTry({ runs: [folder] });
    if (chromiumPath !== null) browser = await startBrowser(chromiumPath);
  });
  after(async () => {
    await browser?.close();
    await tried.stop();
  });

  const started = (page: Page): Promise<void> => until(page, `document.querySelector("#samples button") !== null`);

  it("opens its image and question on the page, with the checkpoint that answered, and asks nothing yet", async function () {
    if (browser === null) this.skip();
    const { page, requests, complaints } = await openPage(browser, join(folder, "report", "index.html"));
    const link = page.locator(".card a").first();
    const href = (await link.getAttribute("href")) ?? "";
    assert.match(href, new RegExp(`^http://localhost:8080/#run=${runId}&sample=`));
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    const question = await page.innerText(".card h3 >> nth=0");
    // The port of this test's server, in place of the usual one. It is followed as a link, from a file.
    const to = href.replace("http://localhost:8080", tried.url);
    await ask(page, `document.querySelector(".card a").href = ${JSON.stringify(to)}`);
    const [opened] = await Promise.all([page.context().waitForEvent("page", { timeout: hangMs }), link.click()]);
    await until(opened, `document.querySelector(".drop.filled") !== null`);
    assert.equal(await opened.inputValue("#words"), question);
    assert.equal(await opened.getAttribute("#mode-ask", "aria-selected"), "true");
    assert.deepEqual(await ask(opened, "[...document.querySelectorAll('.lane select')].map(({ value }) => value)"), [
      "fake",
      "int8",
    ]);
    assert.equal(await opened.locator(".reply").count(), 0);
    await opened.click("#send");
    await until(opened, `document.querySelector(".said")?.textContent.startsWith("you asked") === true`);
    assert.deepEqual([requests, complaints], [[], []], "the report itself asked for nothing");
  });

  it("says what to start where the server does not know the run, and keeps the question", async function () {
    if (browser === null) this.skip();
    const words = new URLSearchParams({
      run: "0123456789abcdef",
      sample: "7",
      folder: "runs/it's",
      question: "<b>why?",
    });
    const { page } = await openUrl(browser, `${tried.url}/#${words.toString()}`);
    await started(page);
    await until(page, `!document.querySelector("#notice").hidden`);
    assert.equal(
      await page.innerText("#notice-words"),
      "The link is to sample 7 of runs/it's, which cannot be shown: This server was not started with the run that the link is of. " +
        "Start it with the run: npx blip2-bench try --runs 'runs/it'\\''s'",
    );
    assert.equal(await page.inputValue("#words"), "<b>why?");
    await page.click("#notice-close");
    assert.ok(await page.isHidden("#notice"));
  });

  it("is no link where it does not look like one", async function () {
    if (browser === null) this.skip();
    for (const hash of ["#run=../../etc&sample=1", "#sample=1", "#run=0123", "#<script>"]) {
      const { page, complaints } = await openUrl(browser, `${tried.url}/${hash}`);
      await started(page);
      assert.ok(await page.isHidden("#notice"), hash);
      assert.deepEqual(complaints, []);
    }
  });

  const find = (path: string, url = tried.url): Promise<Response> => fetch(`${url}/runs/${path}`);
  const messageOf = async (response: Response): Promise<string> => {
    const { message = "" } = (await response.json()) as { message?: string };
    return `${response.status} ${message}`;
  };

  it("names a sample; where its image lies is the run's own affair", async () => {
    const [first] = readFileSync(join(run, "predictions.jsonl"), "utf8").split("\n");
    const { id } = JSON.parse(first ?? "") as { id: string };
    const found = (await (await find(`${runId}/${id}`)).json()) as LinkedSample;
    assert.deepEqual([found.task, found.kind, found.checkpoint, found.precision], ["vqav2", "ask", "fake", "int8"]);
    assert.equal((await fetch(`${tried.url}/images/${found.image.id}`)).status, 200);
    assert.equal(await messageOf(await find(`${runId}/no-such`)), '404 The run has no sample "no-such".');
    assert.match(await messageOf(await find(`${runId}/..%2f..%2f..%2fetc%2fpasswd`)), /^404 The run has no sample/);
    assert.match(await messageOf(await find("0123456789abcdef/1")), /^404 This server was not started with the run/);
    assert.match(await messageOf(await find("constructor/1")), /^404 There is nothing here/);
  });

  it("says so where the run's data set has gone", async () => {
    const moved = await makeRun(folder, "moved", "--limit", "3");
    const path = join(moved, "run.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as RunJson;
    record.data.folder = join(folder, "nowhere");
    writeFileSync(path, JSON.stringify(record));
    const other = await startTry({ runs: [moved] });
    const [first] = readFileSync(join(moved, "predictions.jsonl"), "utf8").split("\n");
    const { id } = JSON.parse(first ?? "") as { id: string };
    assert.match(
      await messageOf(await find(`${record.identity.slice(0, 16)}/${id}`, other.url)),
      /^404 Without questions, references and images: .*nowhere/,
    );
    await other.stop();
    rmSync(moved, { recursive: true });
  });
});
