/** How `compare` treats metrics that are no mean over one column: recall in both directions, mean recall, BLEU. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareFolders } from "../../../harness/analysis/compare/compare-folders.ts";
import { drawKeys, randomIndex } from "../../../harness/statistics/random.ts";
import type { MetricComparison } from "../../../reports/records/findings/comparison.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { bleu, bleuColumns, sumBleuCounts } from "../../../tasks/metrics/captions/bleu.ts";
import type { BleuCounts } from "../../../tasks/metrics/captions/bleu.ts";
import { retrievalScores } from "../../../tasks/metrics/recall.ts";
import { metricNamed, writeMadeRun } from "../../support/compared-runs.ts";

const root = mkdtempSync(join(tmpdir(), "blip2-bench-compare-"));
after(() => {
  rmSync(root, { recursive: true, force: true });
});

const options = { permutations: 2000, bootstrap: 0, seed: 0, allowPartial: false };
let made = 0;

async function compareSheets(
  base: Partial<ScoreSheet>,
  candidate: Partial<ScoreSheet>,
  allowPartial = false,
): Promise<readonly MetricComparison[]> {
  const [first = "", second = ""] = [base, candidate].map((sheet) =>
    writeMadeRun(join(root, `run${(made += 1)}`), { samples: [], task: "made", sheet }),
  );
  const sets = [first, second].map((folder) => ({ folder, runs: [folder] }));
  const { comparisons } = await compareFolders(sets[0]!, sets.slice(1), { ...options, allowPartial });
  return comparisons[0]?.metrics ?? [];
}

function near(found: number, value: number): void {
  assert.ok(Math.abs(found - value) < 1e-12, `${found}, not ${value}`);
}

const images = Array.from({ length: 50 }, (_, image) => `image ${image}`);
const imageOfText = Array.from({ length: 150 }, (_, text) => Math.floor(text / 3));

/** Ranks drawn from 0 to `worst`. */
function retrievalSheet(worst: number, count = images.length): Partial<ScoreSheet> {
  const keys = drawKeys(worst, 0);
  const shown = images.slice(0, count);
  const texts = imageOfText.filter((image) => image < count);
  const ranks = (length: number, from: number): { ranks: Int32Array; ties: number } => ({
    ranks: Int32Array.from({ length }, (_, row) => randomIndex(keys, from + row, worst + 1)),
    ties: 0,
  });
  const gallery = { images: shown, imageOfText: texts };
  const all = retrievalScores({ imageToText: ranks(count, 0), textToImage: ranks(texts.length, 1000) }, gallery);
  const columns = (direction: string): Record<string, readonly number[]> =>
    Object.fromEntries(
      Object.entries(all).flatMap(([name, { bySample }]) =>
        bySample !== undefined && name.startsWith(direction) ? [[name, bySample]] : [],
      ),
    );
  return {
    counts: { samples: count, scored: count, failed: 0, missing: 0 },
    metrics: Object.entries(all).map(([name, { value }]) => metricNamed(name, value)),
    samples: { id: shown, image: shown, ...columns("TR") },
    texts: {
      id: texts.map((_, text) => `t${text}`),
      image: texts.map((image) => images[image] ?? ""),
      ...columns("IR"),
    },
  };
}

describe("compare retrieval", () => {
  it("by direction: images are clusters of one, texts clusters by image; mean recall the mean of the six", async () => {
    const [base, candidate] = [retrievalSheet(3), retrievalSheet(12)];
    const rows = await compareSheets(base, candidate);
    assert.equal(rows.length, 9);
    for (const [place, row] of rows.entries()) {
      near(row.base, base.metrics?.[place]?.value ?? NaN);
      near(row.candidate, candidate.metrics?.[place]?.value ?? NaN);
      assert.equal(row.clusters, 50);
      assert.equal(row.samples, row.metric.startsWith("IR") ? 150 : 50);
      assert.equal(row.mcnemar !== null, row.metric.includes("@"), `McNemar of ${row.metric}`);
    }
    const mean = rows.find(({ metric }) => metric === "mean recall");
    const recalls = rows.filter(({ metric }) => metric.includes("@"));
    near(mean?.difference ?? NaN, recalls.reduce((sum, { difference }) => sum + difference, 0) / 6);
    assert.ok((mean?.standardError ?? 1) < Math.max(...recalls.map(({ standardError }) => standardError ?? 0)));
  });

  it("refuses galleries of different images, whatever the flags", async () => {
    for (const allowPartial of [false, true]) {
      await assert.rejects(
        compareSheets(retrievalSheet(3), retrievalSheet(3, 49), allowPartial),
        /ranked other galleries: .* lacks 1 \(the first is image 49\)\. A rank among other candidates is another number/,
      );
    }
  });
});

/** Ten words an image, of which `right` or one less are found. */
function captionCounts(right: number): readonly BleuCounts[] {
  return images.map((_, image) => {
    const found = right - (randomIndex(drawKeys(right, 1), image, 2) === 1 ? 1 : 0);
    const correct = [0, 1, 2, 3].map((n) => Math.max(0, found - n));
    return { correct, guesses: [10, 9, 8, 7], hypothesisLength: 10, referenceLength: 11 };
  });
}

function captionSheet(counts: readonly BleuCounts[]): Partial<ScoreSheet> {
  return {
    counts: { samples: 50, scored: 50, failed: 0, missing: 0 },
    metrics: [1, 2, 3, 4].map((n) => metricNamed(`BLEU-${n}`, bleu(sumBleuCounts(counts))[n - 1] ?? null)),
    samples: { id: images, image: images, answer: images, ...bleuColumns(counts) },
  };
}

describe("compare BLEU", () => {
  it("by the counts of images: the score itself, a jackknife error, a bootstrap interval, a swap test", async () => {
    const [base, candidate] = [captionCounts(9), captionCounts(8)];
    const rows = await compareSheets(captionSheet(base), captionSheet(candidate));
    assert.equal(rows.length, 4);
    for (const [place, row] of rows.entries()) {
      near(row.base, bleu(sumBleuCounts(base))[place] ?? NaN);
      near(row.candidate, bleu(sumBleuCounts(candidate))[place] ?? NaN);
      assert.equal(row.method, "bootstrap");
      const { difference, standardError, interval } = row;
      const width = ((interval.high ?? 0) - (interval.low ?? 0)) / (2 * 1.96);
      assert.ok(standardError !== null && Math.abs(width / standardError - 1) < 0.15, `${width}, ${standardError}`);
      assert.ok(difference < 0 && row.pValue < 0.01 && (interval.high ?? 0) < 0);
    }
  });
  it("finds nothing where the counts are the same", async () => {
    const sheet = captionSheet(captionCounts(9));
    for (const row of await compareSheets(sheet, sheet)) {
      assert.deepEqual([row.difference, row.standardError, row.pValue, row.detectable], [0, 0, 1, null]);
      assert.deepEqual(row.interval, { low: 0, high: 0 });
    }
  });
});
