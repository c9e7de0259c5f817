/** Samples → predictions → scores: windows, going on after a stop, failures. The model is a fake. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sample } from "../../../datasets/dataset.ts";
import { planWindows } from "../../../harness/evaluation/generation/ask.ts";
import { limitSamples } from "../../../datasets/dataset.ts";
import { evaluate } from "../../../harness/evaluation/evaluate.ts";
import type { EvaluationEnd } from "../../../harness/evaluation/evaluate.ts";
import { prepare } from "../../../harness/evaluation/prepare.ts";
import { readRunConfig } from "../../support/run-config.ts";
import type { RunFlags } from "../../support/run-config.ts";
import { bundledData, fakeCatalog, fakeModel } from "../../support/fakes.ts";
import type { FakeOptions } from "../../support/fakes.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

function sample(id: string, image: string): Sample {
  return { id, image: { id: image, path: `${image}.jpg` } };
}

describe("windows", () => {
  const samples = ["a1", "b1", "a2", "c1", "b2", "a3", "d1"].map((id) => sample(id, id.slice(0, 1)));
  const ids = (batchSize: number): string[][] =>
    planWindows(samples, batchSize).map((window) => window.map(({ id }) => id));

  it("put an image's samples together, images in the order they first come", () => {
    assert.deepEqual(ids(100), [["a1", "a2", "a3", "b1", "b2", "c1", "d1"]]);
    assert.deepEqual(planWindows([], 4), []);
  });

  it("hold whole images, and four batches at most", () => {
    assert.deepEqual(ids(1), [
      ["a1", "a2", "a3"],
      ["b1", "b2", "c1", "d1"],
    ]);
  });

  it("are one image's own where it has more samples than four batches", () => {
    const many = ["a1", "b1", "b2", "b3", "b4", "b5", "c1"].map((id) => sample(id, id.slice(0, 1)));
    assert.deepEqual(
      planWindows(many, 1).map((window) => window.map(({ id }) => id)),
      [["a1"], ["b1", "b2", "b3", "b4"], ["b5"], ["c1"]],
    );
  });

  it("are cut from the first samples of the split, a fraction rounded up", () => {
    assert.equal(limitSamples(samples, null).length, 7);
    assert.deepEqual(
      limitSamples(samples, 2).map(({ id }) => id),
      ["a1", "b1"],
    );
    assert.equal(limitSamples(samples, 0.5).length, 4);
    assert.equal(limitSamples(samples, 0.01).length, 1);
    assert.equal(limitSamples(samples, 100).length, 7);
  });
});

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

interface Ran {
  readonly end: EvaluationEnd;
  /** Sample ids are not known to a model, so windows are told by their prompts. */
  readonly windows: readonly (readonly (string | null)[])[];
  readonly loads: number;
}

/** The bundled questions, a dozen of them in windows of four unless the flags say otherwise, into <folder>/<name>. */
async function run(
  name: string,
  { isFailing, stopAfter, ...flags }: RunFlags & Pick<FakeOptions, "isFailing"> & { readonly stopAfter?: number } = {},
): Promise<Ran> {
  const windows: (string | null)[][] = [];
  let loads = 0;
  const catalog = fakeCatalog(() => {
    loads += 1;
    const onBatch: FakeOptions["onBatch"] = (requests) => windows.push(requests.map(({ prompt }) => prompt));
    return Promise.resolve(fakeModel({ onBatch, ...(isFailing !== undefined && { isFailing }) }));
  });
  const output = join(folder, name);
  const defaults = { models: ["fake"], tasks: ["vqav2"], output, threads: 1, cache: folder };
  const config = readRunConfig({ limit: "12", batchSize: "1", ...flags }, defaults);
  const [evaluation] = await prepare(config, catalog, { hubCache: folder });
  assert.ok(evaluation);
  try {
    const isStopped = (): boolean => windows.length === stopAfter;
    const end = await evaluate(evaluation, { isStopped, onProgress: () => undefined });
    return { end, windows, loads };
  } finally {
    await evaluation.folder.close();
  }
}

interface Line {
  readonly id: string;
  readonly status: string;
  readonly error?: string;
}

function lines(name: string): Line[] {
  const text = readFileSync(join(folder, name, "predictions.jsonl"), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

describe("a run", () => {
  it("asks every sample once, in windows, and scores the answers in the order of the data set", async () => {
    const { end, windows } = await run("a");
    assert.deepEqual(
      windows.map(({ length }) => length),
      [4, 4, 4],
    );
    assert.ok(end.status === "complete");
    assert.deepEqual(end.scores.counts, { samples: 12, scored: 12, failed: 0, missing: 0 });
    const questions = JSON.parse(
      readFileSync(join(bundledData, "v2_OpenEnded_mscoco_val2014_questions.json"), "utf8"),
    ) as { questions: { question_id: number }[] };
    assert.deepEqual(
      end.scores.samples["id"],
      questions.questions.slice(0, 12).map(({ question_id }) => String(question_id)),
    );
    assert.equal(end.scores.samples["accuracy"]?.length, 12);
    assert.deepEqual(
      end.scores.metrics.map(({ name }) => name),
      ["accuracy", "accuracy-lavis", "accuracy-always"],
    );
  });

  it("gives the same bytes twice", async () => {
    await run("a");
    await run("b");
    assert.equal(bytesOf(join(folder, "b")), bytesOf(join(folder, "a")));
  });

  it("goes on with what is missing when it was stopped, and gives the bytes of one that was not", async () => {
    await run("whole");
    const { end, windows } = await run("a", { stopAfter: 1 });
    assert.equal(end.status, "interrupted");
    assert.equal(windows.length, 1);
    assert.equal(lines("a").length, 4);
    assert.match(readFileSync(join(folder, "a", "run.json"), "utf8"), /"status": "interrupted"/);

    const again = await run("a");
    assert.deepEqual(
      again.windows.map(({ length }) => length),
      [4, 4],
    );
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("asks a window whole when a line of it is lost, and puts it back in its place", async () => {
    await run("whole");
    await run("a");
    const path = join(folder, "a", "predictions.jsonl");
    const before = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, before.toSpliced(6, 1).join("\n"));
    const { windows } = await run("a");
    assert.deepEqual(
      windows.map(({ length }) => length),
      [4],
    );
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("loads no model when nothing is missing", async () => {
    assert.equal((await run("a")).loads, 1);
    const before = bytesOf(join(folder, "a"));
    assert.equal((await run("a")).loads, 0);
    assert.equal(bytesOf(join(folder, "a")), before);
  });

  it("records a failed sample as failed, counts it and never scores it; the others are unaffected", async () => {
    await run("whole");
    const { end } = await run("a", { isFailing: ({ image }) => image.id === "1953" });
    assert.ok(end.status === "partial");
    assert.deepEqual(end.scores.counts, { samples: 12, scored: 11, failed: 1, missing: 0 });
    assert.deepEqual(lines("a")[1], {
      id: "1953002",
      image: "1953",
      prompt: "Question: what color is the square? Answer:",
      status: "failed",
      error: "cannot be read",
    });
    assert.equal(end.scores.samples["id"]?.includes("1953002"), false);
    const others = (name: string): string[] =>
      lines(name)
        .filter(({ id }) => id !== "1953002")
        .map(({ id }) => id);
    assert.deepEqual(others("a"), others("whole"));
  });

  it("tries failed samples again, their window with them", async () => {
    await run("whole");
    await run("a", { isFailing: ({ image }) => image.id === "1953" });
    const { end, windows } = await run("a");
    assert.equal(end.status, "complete");
    assert.deepEqual(
      windows.map(({ length }) => length),
      [4],
    );
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("does not ask about an image that is not there, and says where it looked", async () => {
    const data = join(folder, "data");
    mkdirSync(data);
    for (const name of [
      "v2_OpenEnded_mscoco_val2014_questions.json",
      "v2_mscoco_val2014_annotations.json",
      "val2014",
    ]) {
      cpSync(join(bundledData, name), join(data, name), { recursive: true });
    }
    rmSync(join(data, "val2014", "COCO_val2014_000000001953.jpg"));
    const { end, windows } = await run("a", { data });
    assert.equal(end.status, "partial");
    assert.equal(windows[0]?.length, 3);
    const [, line] = lines("a");
    assert.equal(
      line?.error,
      `vqav2 val: image 1953 not found in ${join(data, "val2014")}. Give the folder with --images.`,
    );
    assert.equal(lines("a").filter(({ status }) => status === "failed").length, 1);
  });

  it("stops as soon as more samples have failed than --max-errors allows", async () => {
    const isFailing = ({ prompt }: { prompt: string | null }): boolean => prompt?.includes("is the") ?? false;
    const { end, windows } = await run("a", { isFailing, maxErrors: "0" });
    assert.equal(end.status, "stopped");
    assert.equal(windows.length, 1);
    assert.match(readFileSync(join(folder, "a", "run.json"), "utf8"), /"status": "partial"/);
    assert.equal((await run("b", { isFailing, maxErrors: "12" })).end.status, "partial");
  });

  it("marks the folder interrupted when the model breaks, and keeps what there is", async () => {
    let calls = 0;
    const isFailing = (): boolean => {
      calls += 1;
      if (calls > 4) throw new Error("out of memory");
      return false;
    };
    await assert.rejects(run("a", { isFailing }), /out of memory/);
    assert.equal(lines("a").length, 4);
    assert.match(readFileSync(join(folder, "a", "run.json"), "utf8"), /"status": "interrupted"/);
  });
});

describe("the prompt and decoding of a run", () => {
  it("are the protocol's, with the choices that flags replace", async () => {
    const { windows } = await run("a", {
      prompt: "{question} In {question}",
      protocol: "lavis",
      beams: "3",
      limit: "1",
    });
    assert.deepEqual(windows, [["what color is the star in the picture? In what color is the star in the picture?"]]);
    const { config } = JSON.parse(readFileSync(join(folder, "a", "run.json"), "utf8")) as {
      config: { decoding: { beams: number; lengthPenalty: number }; overrides: object; protocol: string };
    };
    assert.equal(config.protocol, "lavis");
    assert.deepEqual(config.overrides, { prompt: "{question} In {question}", beams: 3 });
    assert.equal(config.decoding.beams, 3);
    assert.equal(config.decoding.lengthPenalty, 0);
  });

  it("are refused where they make no sense", async () => {
    await assert.rejects(run("a", { prompt: "Well?" }), {
      name: "UsageError",
      message: '--prompt: no {question} in "Well?"; every question of vqav2 would be asked the same.',
    });
    await assert.rejects(run("a", { prompt: "{Question}" }), {
      message: "--prompt: nothing is known to put in place of {Question}, expected {question}.",
    });
    await assert.rejects(run("a", { minNewTokens: "20" }), {
      message:
        "--min-new-tokens: at least 20 new tokens and at most 10 cannot both be. Give --min-new-tokens and --max-new-tokens together.",
    });
  });
});
