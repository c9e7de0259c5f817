/** `blip2-bench compare`, by its command line, on run folders made by hand. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { main } from "../../../harness/cli/command.ts";
import { benjaminiHochberg } from "../../../harness/statistics/multiplicity.ts";
import { drawKeys, randomShare } from "../../../harness/statistics/random.ts";
import { parseComparison } from "../../../reports/records/findings/comparison.ts";
import type { Comparison } from "../../../reports/records/findings/comparison.ts";
import { writeMadeRun } from "../../support/compared-runs.ts";
import type { MadeRun, MadeSample } from "../../support/compared-runs.ts";

const root = mkdtempSync(join(tmpdir(), "blip2-bench-compare-"));
after(() => {
  rmSync(root, { recursive: true, force: true });
});

let made = 0;
function folderOf(run: MadeRun): string {
  return writeMadeRun(join(root, `run${(made += 1)}`), run);
}

async function compare(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const stdout = { write: (text: string) => ((out += text), true) };
  const stderr = { write: (text: string) => ((err += text), true) };
  const code = await main(["compare", ...words], catalog, { stdout, stderr, env: {} });
  return { code, out, err };
}

async function compareJson(...words: string[]): Promise<Comparison> {
  const { code, out, err } = await compare(...words, "--json");
  assert.equal(err, "");
  assert.notEqual(code, 2);
  return parseComparison(JSON.parse(out));
}

const grades = [0, 0.3, 0.6, 0.9, 1];

/** Three questions an image; `lost` of a hundred get the worst score. */
function questions(images: number, { lost = 0, seed = 1 } = {}): MadeSample[] {
  const keys = drawKeys(seed, 0);
  return Array.from({ length: 3 * images }, (_, place) => {
    const isLost = randomShare(drawKeys(7, 7), place) * 100 < lost;
    const score = isLost ? 0 : (grades[Math.floor(randomShare(keys, place) * 5)] ?? 0);
    const image = String(100 + Math.floor(place / 3));
    const answerType = ["yes/no", "number", "other"][place % 3] ?? "other";
    return { id: `q${place}`, image, answer: isLost ? "lost" : "found", score, answerType };
  });
}

function shuffled(samples: readonly MadeSample[]): MadeSample[] {
  const keys = drawKeys(3, 1);
  return samples
    .map((sample, place) => ({ sample, key: randomShare(keys, place) }))
    .sort((a, b) => a.key - b.key)
    .map(({ sample }) => sample);
}

describe("compare", () => {
  it("finds no difference and no flips between identical runs, and ends with 0", async () => {
    const [a, b] = [folderOf({ samples: questions(40) }), folderOf({ samples: questions(40) })];
    const { status, comparisons } = await compareJson(a, b);
    const [pair] = comparisons;
    assert.equal(status, "complete");
    assert.deepEqual(pair?.agreement, { identical: 120, samples: 120 });
    assert.deepEqual(pair.flips, { metric: "accuracy", worse: 0, better: 0, samples: [] });
    for (const row of pair.metrics) {
      assert.deepEqual([row.difference, row.standardError, row.pValue, row.detectable], [0, 0, 1, null]);
      assert.deepEqual(row.interval, { low: 0, high: 0 });
      assert.deepEqual([row.mcnemar?.lost, row.mcnemar?.gained], [0, 0]);
    }
    assert.equal((await compare(a, b)).code, 0);
  });

  it("gives each row a difference, interval, p-values, and the first metric by answer type", async () => {
    const base = folderOf({ samples: questions(40) });
    const candidate = folderOf({ samples: questions(40, { lost: 20 }) });
    const { comparisons } = await compareJson(base, candidate, "--bootstrap", "500");
    const rows = comparisons[0]?.metrics ?? [];
    assert.deepEqual(
      rows.map(({ group, samples, clusters }) => [group?.name ?? null, samples, clusters]),
      [
        [null, 120, 40],
        ["number", 40, 40],
        ["other", 40, 40],
        ["yes/no", 40, 40],
      ],
    );
    const [all] = rows;
    assert.ok(all !== undefined && all.difference < 0 && all.pValue < 0.001 && all.adjustedP < 0.01);
    assert.ok((all.interval.low ?? 0) < all.difference && (all.interval.high ?? 0) > all.difference);
    assert.ok((all.bounds.low ?? 0) > (all.interval.low ?? 0), "90 % is narrower than 95 %");
    assert.ok(all.bootstrap !== null && Math.abs((all.bootstrap.bca.low ?? 0) - (all.interval.low ?? 0)) < 0.02);
    const { flips } = comparisons[0]!;
    assert.equal(flips.better, 0);
    assert.equal(flips.worse, all.differing);
    assert.deepEqual(flips.samples[0]?.candidate, { answer: "lost", score: 0 });
  });

  it("gives the same bytes for samples in another order", async () => {
    const samples = questions(40, { lost: 20 });
    const base = folderOf({ samples: questions(40) });
    const first = await compareJson(base, folderOf({ samples }));
    const second = await compareJson(
      folderOf({ samples: shuffled(questions(40)) }),
      folderOf({ samples: shuffled(samples) }),
    );
    assert.deepEqual(second.comparisons[0]?.metrics, first.comparisons[0]?.metrics);
    assert.deepEqual(second.comparisons[0]?.flips, first.comparisons[0]?.flips);
  });

  it("adjusts the p-values of all candidates together", async () => {
    const base = folderOf({ samples: questions(40) });
    const [a, b] = [
      folderOf({ samples: questions(40, { lost: 3 }) }),
      folderOf({ samples: questions(40, { lost: 20 }) }),
    ];
    const { comparisons } = await compareJson(base, a, b);
    assert.equal(comparisons.length, 2);
    const rows = comparisons.flatMap(({ metrics }) => metrics);
    const expected = benjaminiHochberg(rows.map(({ pValue }) => pValue));
    assert.deepEqual(
      rows.map(({ adjustedP }) => adjustedP),
      expected,
    );
  });

  it("shows a table, writes it with --output, and finds the same again", async () => {
    const base = folderOf({ samples: questions(40) });
    const candidate = folderOf({ samples: questions(40, { lost: 20 }) });
    const output = join(root, "out", "deep");
    const { code, out } = await compare(base, candidate, "--output", output);
    assert.equal(code, 0);
    assert.match(out, /accuracy +\d+\.\d\d % +\d+\.\d\d % +-\d+\.\d\d ± \d+\.\d\d +-\d+\.\d\d to -\d+\.\d\d .* worse/);
    assert.match(
      out,
      /120 samples of 40 images; same answer to \d+ \(\d+\.\d\d %\); by accuracy, \d+ became worse and 0 better/,
    );
    assert.match(out, /and \d+ more; --output writes them all/);
    parseComparison(JSON.parse(readFileSync(join(output, "comparison.json"), "utf8")));
    assert.match(readFileSync(join(output, "comparison.csv"), "utf8"), /^task,split.*\nvqav2,val,paper,/);
    assert.match(readFileSync(join(output, "comparison.md"), "utf8"), /\| accuracy \|/);
    assert.match(readFileSync(join(output, "flips.csv"), "utf8"), /,found,lost,/);
    writeFileSync(join(root, "file"), "");
    const refused = await compare(base, candidate, "--output", join(root, "file"));
    assert.equal(refused.code, 2);
    assert.match(refused.err, /file: cannot be written: .*Give another folder with --output/);
  });

  it("compares folders of several runs by checkpoint and task", async () => {
    const [a, b] = [join(root, "several-a"), join(root, "several-b")];
    for (const [folder, lost] of [
      [a, 0],
      [b, 20],
    ] as const) {
      for (const checkpoint of ["one", "two"]) {
        writeMadeRun(join(folder, checkpoint, "vqav2"), { samples: questions(40, { lost }), checkpoint });
      }
    }
    const { comparisons } = await compareJson(a, b);
    assert.deepEqual(
      comparisons.map(({ base, candidate }) => [base.checkpoint, candidate.checkpoint]),
      [
        ["one", "one"],
        ["two", "two"],
      ],
    );
    const single = join(b, "two", "vqav2");
    const alone = await compare(a, single);
    assert.equal(alone.code, 2);
    assert.match(alone.err, /one vqav2 has no run to be compared with in .*Leave it out with --allow-partial/);
    assert.equal((await compare(a, single, "--allow-partial")).code, 3);
  });

  it("compares other checkpoints where each has one run of the task", async () => {
    const base = folderOf({ samples: questions(40), checkpoint: "opt" });
    const { comparisons } = await compareJson(base, folderOf({ samples: questions(40), checkpoint: "t5" }));
    assert.equal(comparisons[0]?.candidate.checkpoint, "t5");
  });

  it("compares language models of two families, which one protocol may ask in two ways", async () => {
    const base = folderOf({ samples: questions(40), decoding: { lengthPenalty: 0 } });
    const other = folderOf({ samples: questions(40), family: "t5", decoding: { lengthPenalty: -1 } });
    assert.equal((await compareJson(base, other)).comparisons.length, 1);
  });
});

describe("compare refuses", () => {
  const base = (): string => folderOf({ samples: questions(40) });

  async function refused(run: MadeRun, message: RegExp, ...words: string[]): Promise<void> {
    const { code, err, out } = await compare(base(), folderOf(run), ...words);
    assert.match(err, message);
    assert.deepEqual([code, out], [2, ""]);
  }

  it("another task, protocol, data, or scorer, and says what differs", async () => {
    const samples = questions(40);
    await refused(
      { samples, task: "ok-vqa" },
      /tiny ok-vqa has no run to be compared with in .* which holds tiny vqav2/,
    );
    await refused({ samples, task: "ok-vqa" }, /has no run to be compared with/, "--allow-partial");
    await refused(
      { samples, protocol: "lavis" },
      /cannot be compared with [^\n]*\n {2}protocol: found lavis, expected paper/,
    );
    await refused({ samples, overrides: { beams: 1 } }, /protocol's beams: found 1, expected none/);
    await refused(
      { samples, decoding: { lengthPenalty: 0 } },
      /decoding's lengthPenalty: found 0, expected none\nCompare runs of the same task, protocol and data/,
    );
    await refused({ samples, sha256: "bbbb" }, /questions\.json: found bbbb, expected aaaa\nCompare runs of the same/);
    await refused({ samples, scorer: "else" }, /scorer: found else, expected 5c0e\nScore both again with `score`/);
  });

  it("a run that is not finished, or not scored with its images", async () => {
    const samples = questions(40);
    await refused(
      { samples, status: "interrupted" },
      /a run that is interrupted, 120 of 120 samples done, expected a finished/,
    );
    await refused({ samples, status: "running" }, /Go on with the run, or score what there is with `score`/);
    const old = { id: samples.map(({ id }) => id), accuracy: samples.map(({ score }) => score) };
    await refused(
      { samples, sheet: { samples: old } },
      /do not say of which images they are.*Make them again with `score`/,
    );
    const short = { id: ["a", "b"], image: ["a"], accuracy: [1, 1] };
    await refused(
      { samples, sheet: { samples: short } },
      /columns of its scores have 2 and 1 values, expected as many/,
    );
  });

  it("different samples, unless the intersection is asked for, whose size it says", async () => {
    const fewer = { samples: questions(40).slice(6) };
    await refused(
      fewer,
      /have different samples: .* lacks 6 \(the first is q0\); 114 samples are in both.*--allow-partial/,
    );
    const { code, out } = await compare(base(), folderOf(fewer), "--allow-partial");
    assert.equal(code, 3);
    assert.match(out, /lacks 6 \(the first is q0\); compared on the 114 samples that are in both\./);
    const none = { samples: questions(40).map((sample) => ({ ...sample, id: `other ${sample.id}` })) };
    await refused(none, /no scored sample is in both/, "--allow-partial");
  });

  it("samples that failed in one of the runs only", async () => {
    const half = { samples: questions(40).slice(2), failed: ["q0", "q1"] };
    await refused(half, /lacks 2, 2 of which failed there \(the first is q0\)/);
    const both = [folderOf(half), folderOf(half)] as const;
    const { code, out } = await compare(...both);
    assert.equal(code, 3, "failed in both: compared, and partial");
    assert.match(out, /2 samples failed in both and are not compared/);
  });

  it("what is no folder of a run, one folder alone, and numbers out of range", async () => {
    const folder = base();
    for (const [words, message] of [
      [[folder], /found 1 folders, expected two or more: the base, then what is compared/],
      [[folder, join(root, "nowhere")], /no run\.json in it/],
      [
        [folder, folder, "--permutations", "ten"],
        /--permutations: found "ten", expected a whole number from 100 to 1000000/,
      ],
      [[folder, folder, "--permutations", "5"], /--permutations: found "5"/],
      [[folder, folder, "--seed", "-1"], /--seed: found "-1"/],
      [[folder, folder, "--sed", "1"], /no such flag. Did you mean --seed/],
    ] as const) {
      const { code, err } = await compare(...words);
      assert.match(err, message);
      assert.equal(code, 2);
    }
  });

  it("but notes that runs are by different code", async () => {
    const { code, out } = await compare(base(), folderOf({ samples: questions(40), code: "other" }));
    assert.equal(code, 0);
    assert.match(out, /were run by different code: a difference may be the code's/);
  });
});
