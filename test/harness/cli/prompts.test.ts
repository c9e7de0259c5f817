/** Several prompts in one command: a run each, one table of paired differences, and what is refused. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseComparison } from "../../../reports/records/findings/comparison.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { bytesOf, readRunFiles } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

const prompts = ["Question: {question} Answer:", "Q: {question} A:", "{question}"];
const given = prompts.flatMap((prompt) => ["--prompt", prompt]);
const words = ["run", "--tasks", "vqav2", "--limit", "40"];

function run(output: string, ...more: string[]): Promise<Ended> {
  return inProcess(folder, ...words, "--output", output, ...more);
}

function read(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(folder, ...path), "utf8"));
}

const overridesOf = (...path: string[]): unknown => readRunFiles(join(folder, ...path)).record.config.overrides;

describe("a run with several prompts", () => {
  it("is a run each, and a table of the paired differences from the first, as compare makes them", async () => {
    const ended = await run("a", "--model", "shapes-opt-small", ...given);
    assert.equal(ended.code, 0, ended.err);
    for (const [index, prompt] of prompts.entries()) {
      const place = `prompt-${index + 1}`;
      assert.deepEqual(overridesOf("a", place), { prompt });
      const alone = await run(`alone-${index}`, "--no-report", "--model", "shapes-opt-small", "--prompt", prompt);
      assert.equal(alone.code, 0, alone.err);
      assert.equal(bytesOf(join(folder, "a", place)), bytesOf(join(folder, `alone-${index}`)));
    }

    const comparison = parseComparison(read("a", "comparison.json"));
    assert.equal(comparison.status, "complete");
    assert.deepEqual(
      comparison.comparisons.map(({ base, candidate }) => [base.folder, candidate.folder]),
      [2, 3].map((number) => [join(folder, "a", "prompt-1"), join(folder, "a", `prompt-${number}`)]),
    );
    const scores = (place: string): readonly number[] => {
      return (read("a", place, "scores.json") as ScoreSheet).samples["accuracy"] as readonly number[];
    };
    const first = scores("prompt-1");
    for (const [index, { metrics }] of comparison.comparisons.entries()) {
      const own = scores(`prompt-${index + 2}`);
      const mean = own.reduce((sum, score, place) => sum + score - first[place]!, 0) / own.length;
      assert.ok(Math.abs(metrics[0]!.difference - mean) < 1e-12);
      assert.ok(metrics[0]!.interval.low! <= mean && mean <= metrics[0]!.interval.high!);
    }
    // Benjamini and Hochberg: the k-th smallest of n times n / k, and never more than a larger one's.
    const all = comparison.comparisons.flatMap(({ metrics }) => metrics);
    const sorted = all.toSorted((a, b) => a.pValue - b.pValue);
    let least = 1;
    for (let rank = sorted.length; rank >= 1; rank -= 1) {
      const { pValue, adjustedP } = sorted[rank - 1]!;
      least = Math.min(least, (pValue * sorted.length) / rank);
      assert.ok(Math.abs(adjustedP - least) < 1e-12);
    }

    const [, table = ""] = ended.out.split("\nprompt  ");
    const rows = table.split("\n").slice(1, 4);
    assert.match(rows[0]!, /^ +1 {2}shapes-opt-small {2}vqav2 {2}accuracy +[\d.]+ % +- +- +- +40 {2}-$/);
    for (const [index, row] of rows.slice(1).entries()) {
      assert.match(
        row,
        new RegExp(`^ +${index + 2}  shapes-opt-small  vqav2  accuracy .* to .* 40  (-|better|worse)$`),
      );
    }
    for (const [index, prompt] of prompts.entries()) assert.ok(table.includes(`\n${index + 1}: ${prompt}\n`));
    for (const name of ["comparison.csv", "comparison.md", "flips.csv", "rows.csv", "report"]) {
      assert.ok(existsSync(join(folder, "a", name)), name);
    }
    const refused = await inProcess(folder, "compare", "a/prompt-1", "a/prompt-2");
    assert.match(
      refused.err,
      /protocol's prompt: found "Q: \{question\} A:", expected "Question: \{question\} Answer:"/,
    );
  });

  it("goes on where it was stopped, and has one document as JSON", async () => {
    const own = ["--no-report", "--model", "shapes-opt-small", ...given.slice(0, 4)];
    assert.equal((await run("a", ...own)).code, 0);
    const [one, two] = ["prompt-1", "prompt-2"].map((name) => bytesOf(join(folder, "a", name)));
    const journal = join(folder, "a", "prompt-2", "predictions.jsonl");
    writeFileSync(journal, readFileSync(journal, "utf8").split("\n").slice(0, 33).join("\n") + "\n");
    const again = await run("a", ...own, "--json");
    assert.equal(again.code, 0, again.err);
    assert.equal(bytesOf(join(folder, "a", "prompt-1")), one);
    assert.equal(bytesOf(join(folder, "a", "prompt-2")), two);
    const { runs, comparison } = JSON.parse(again.out) as { runs: unknown[]; comparison: unknown };
    assert.equal(runs.length, 2);
    assert.deepEqual(parseComparison(comparison), parseComparison(read("a", "comparison.json")));
  });

  it("takes them from a file, for every checkpoint and precision, and compares each with its own", async () => {
    writeFileSync(join(folder, "prompts.txt"), `${prompts[0]!}\n${prompts[1]!}\n`);
    const models = ["--model", "shapes-opt-small,shapes-t5-small", "--precision", "fp32,int8"];
    const ended = await run("a", "--no-report", ...models, "--prompt-file", "prompts.txt");
    assert.equal(ended.code, 0, ended.err);
    assert.deepEqual(readdirSync(join(folder, "a", "prompt-2", "shapes-t5-small")).toSorted(), ["fp32", "int8"]);
    const { comparisons } = parseComparison(read("a", "comparison.json"));
    assert.deepEqual(
      comparisons.map(({ base, candidate }) => [
        base.checkpoint,
        base.precision,
        candidate.checkpoint,
        candidate.precision,
      ]),
      ["shapes-opt-small", "shapes-t5-small"].flatMap((name) =>
        ["fp32", "int8"].map((precision) => [name, precision, name, precision]),
      ),
    );
    assert.match(ended.out, /\nprompt {2}checkpoint +precision {2}task /);
    assert.equal((await inProcess(folder, "score", "a")).code, 0);
  });

  it("is the usual run with one prompt in a file", async () => {
    writeFileSync(join(folder, "prompts.txt"), `${prompts[1]!}\n`);
    const ended = await run("a", "--no-report", "--model", "shapes-opt-small", "--prompt-file", "prompts.txt");
    assert.equal(ended.code, 0, ended.err);
    assert.deepEqual(overridesOf("a"), { prompt: prompts[1] });
    assert.ok(!existsSync(join(folder, "a", "comparison.json")));
  });

  it("is refused where it cannot be", async () => {
    const twice = [...given.slice(0, 2), ...given.slice(0, 2)];
    const message = `--prompt: found "${prompts[0]!}" twice. Leave one out.`;
    assertFails(await run("a", "--model", "shapes-opt-small", ...twice), 2, message);
    writeFileSync(join(folder, "prompts.txt"), "");
    assertFails(
      await run("a", "--model", "shapes-opt-small", "--prompt-file", "prompts.txt"),
      2,
      "--prompt-file prompts.txt: found no text, expected a text on each line.",
    );
    assertFails(
      await inProcess(
        folder,
        "run",
        "--tasks",
        "flickr30k-retrieval",
        "--model",
        "shapes-itm",
        "--prompt",
        "a",
        "--prompt",
        "b",
      ),
      2,
      "--prompt: 2 prompts, and flickr30k-retrieval takes none. Name other tasks with --tasks.",
    );
  });
});
