/** Shards → one run: same bytes, what is refused, what is missing. The model is a fake unless a test says otherwise. */
import assert from "node:assert/strict";
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { callCommand, inProcess } from "../../support/command-process.ts";
import { fakeModel } from "../../support/fakes.ts";
import { answersOf } from "../../support/run-bytes.ts";
import { change, fakeIn, question, roundedCatalog, runShards, runWhole } from "../../support/shard-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

const shardPath = (name: string): string => join(folder, "sharded", "shards", name);

function recordOf(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(path, "run.json"), "utf8")) as Record<string, unknown>;
}

describe("a run in shards", () => {
  // the questions make ten windows
  for (const of of [1, 3, 12]) {
    it(`has the bytes of a run of one process once it is merged: ${of} shards`, async () => {
      await runWhole(folder, "whole");
      await runShards(folder, "sharded", { indices: [...Array(of).keys()], of });
      const { code, out, err } = await fakeIn(folder, "merge", "sharded");
      assert.equal(code, 0, err);
      assert.match(out, /^checkpoint +split|^checkpoint +task/);
      assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
      const { machines, mixedProcessors, counts, shard } = recordOf(join(folder, "sharded"));
      assert.ok(Array.isArray(machines) && machines.length === of);
      assert.deepEqual(counts, { samples: 40, predicted: 40, failed: 0 });
      assert.equal(mixedProcessors, undefined);
      assert.equal(shard, undefined);
    });
  }

  for (const [model, task, precision] of [
    ["shapes-opt-small", "vqav2", "int8"],
    ["shapes-t5-small", "coco-caption", "int8-block"],
    ["shapes-opt-small", "coco-caption", "int4"],
    ["shapes-itm", "flickr30k-retrieval", "fp32"],
  ] as const) {
    it(`has those bytes with a real checkpoint: ${model} on ${task} in ${precision}`, async function () {
      const rerank = task === "flickr30k-retrieval" ? ["--rerank", "3"] : [];
      const pair = ["--model", model, "--tasks", task, "--precision", precision, "--limit", "14", ...rerank];
      const words = [...pair, "--batch-size", "1", "--quiet"];
      assert.equal((await inProcess(folder, "run", ...words, "--no-report", "--output", "whole")).code, 0);
      for (const index of [0, 1]) {
        const shard = ["--shard", `${index}/2`, "--output", "sharded"];
        assert.equal((await inProcess(folder, "run", ...words, ...shard)).code, 0);
      }
      const { code, err } = await inProcess(folder, "merge", "sharded", "--quiet");
      assert.equal(code, 0, err);
      assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
      const similarities = ["whole", "sharded"].map((name) => join(folder, name, "similarities.f32"));
      if (rerank.length > 0) assert.deepEqual(...(similarities.map((file) => readFileSync(file)) as [Buffer, Buffer]));
    });
  }

  it("may be of several divisions, of copies, and of shards that stand twice", async () => {
    await runWhole(folder, "whole");
    await runShards(folder, "sharded", { indices: [0, 1], of: 3 });
    await runShards(folder, "other", { indices: [1, 2, 3], of: 4 });
    await runShards(folder, "third", { indices: [2], of: 3 });
    cpSync(join(folder, "third"), join(folder, "copy"), { recursive: true });
    const words = ["sharded", "other", "third", "copy"];
    const { code, err } = await fakeIn(folder, "merge", "--output", "merged", ...words);
    assert.equal(code, 0, err);
    assert.equal(answersOf(join(folder, "merged")), answersOf(join(folder, "whole")));
    assert.equal((await fakeIn(folder, "merge", "--output", "merged", ...words)).code, 0, "a merge can be made again");
  });

  it("is split run by run where there are several, and merged run by run", async () => {
    const words = ["--model", "fake,fake-two", ...question.slice(2)];
    await runWhole(folder, "whole", words);
    await runShards(folder, "sharded", { indices: [0, 1], of: 2, words });
    const { code, out, err } = await fakeIn(folder, "merge", "sharded");
    assert.equal(code, 0, err);
    assert.match(out, /^fake-two/m);
    for (const model of ["fake", "fake-two"]) {
      assert.equal(
        answersOf(join(folder, "sharded", model, "vqav2")),
        answersOf(join(folder, "whole", model, "vqav2")),
      );
    }
    assert.equal(
      readFileSync(join(folder, "sharded", "rows.csv"), "utf8"),
      readFileSync(join(folder, "whole", "rows.csv"), "utf8"),
    );
  });

  it("is split by prompts and precisions, too, with --status and --fill", async () => {
    const pair = ["--model", "fake", "--precision", "fp32,int8", "--tasks", "vqav2", "--limit", "12"];
    const words = [...pair, "--prompt", "Q: {question} A:", "--prompt", "{question}", "--batch-size", "1"];
    await runWhole(folder, "whole", words);
    await runShards(folder, "sharded", { indices: [0, 1], of: 3, words });
    const status = await fakeIn(folder, "merge", "sharded", "--status", "--json");
    assert.equal((JSON.parse(status.out) as { shards: unknown[] }).shards.length, 2 * 2 * 2);
    const { code, err } = await fakeIn(folder, "merge", "sharded", "--fill", "--quiet");
    assert.equal(code, 0, err);
    for (const prompt of ["prompt-1", "prompt-2"]) {
      for (const precision of ["fp32", "int8"]) {
        const run = join(prompt, "fake", precision, "vqav2");
        assert.equal(answersOf(join(folder, "sharded", run)), answersOf(join(folder, "whole", run)));
      }
    }
  });

  it("ends with 0 where samples failed, which the merged run says", async () => {
    const load = () => Promise.resolve(fakeModel({ isFailing: ({ prompt }) => prompt?.includes("color") === true }));
    const machine = roundedCatalog("one way", load);
    await runShards(folder, "sharded", { indices: [0, 1], of: 2, machine });
    const { code, out } = await fakeIn(folder, "merge", "sharded");
    assert.equal(code, 3);
    assert.match(out, /vqav2/);
    assert.equal(recordOf(join(folder, "sharded"))["status"], "partial");
    // the answers of shards that asked again come before the failures
    await runShards(folder, "again", { indices: [0], of: 1 });
    await runWhole(folder, "whole");
    assert.equal((await fakeIn(folder, "merge", "--output", "merged", "sharded", "again")).code, 0);
    assert.equal(answersOf(join(folder, "merged")), answersOf(join(folder, "whole")));
  });

  it("goes on where a shard was stopped, with the command that began it", async () => {
    let windows = 0;
    const machine = roundedCatalog("one way", () => {
      const onBatch = (): void => {
        windows += 1;
        if (windows === 3) throw new Error("the machine broke");
      };
      return Promise.resolve(fakeModel({ onBatch }));
    });
    const words = ["run", ...question, "--shard", "0/2", "--output", "sharded"];
    assert.equal((await callCommand(folder, { words, offered: machine })).code, 1);
    assert.equal(recordOf(shardPath("0-of-2"))["status"], "interrupted");
    await runWhole(folder, "whole");
    await runShards(folder, "sharded", { indices: [0, 1], of: 2 });
    assert.equal((await fakeIn(folder, "merge", "sharded")).code, 0);
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
  });
});

describe("shards that do not belong together", () => {
  /** Fails unless merge names this, and writes nothing. */
  async function assertRefused(expected: RegExp, ...words: string[]): Promise<void> {
    const { code, out, err } = await fakeIn(folder, "merge", "sharded", ...words);
    assert.match(err, expected);
    assert.match(err, /^error: These shards cannot be merged:\n[^]*\nNothing was written\.\n$/);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.deepEqual(readdirSync(join(folder, "sharded")), ["shards"]);
  }

  for (const [what, words, field] of [
    ["beams", ["--beams", "2"], /config\.decoding\.beams: found 2, expected 5/],
    ["precision", ["--precision", "int8"], /config\.precision: found int8, expected none/],
    ["batch size", ["--batch-size", "2"], /config\.batchSize: found 2, expected 1/],
    ["samples", ["--limit", "39"], /config\.limit: found 39, expected 40/],
    ["checkpoint", ["--model", "fake-two"], /checkpoint\.fingerprint: found of fake-two, expected of fake\b/],
  ] as const) {
    it(`are refused by the field: ${what}`, async () => {
      await runShards(folder, "sharded", { indices: [0], of: 2 });
      const others = question.filter((_, index) => question[index - (index % 2)] !== words[0]);
      await runShards(folder, "sharded", { indices: [1], of: 2, words: [...others, ...words] });
      await assertRefused(field);
    });
  }

  it("are refused with all fields in which they differ: data, code, packages, windows", async () => {
    await runShards(folder, "sharded", { indices: [0, 1, 2], of: 3 });
    change(shardPath("1-of-3"), "run.json", (text) => {
      const record = JSON.parse(text) as {
        identity: string;
        data: { files: { sha256: string }[] };
        code: { fingerprint: string };
        packages: Record<string, string>;
      };
      record.identity = "another";
      record.data.files[0]!.sha256 = "0".repeat(64);
      record.code.fingerprint = "1".repeat(64);
      record.packages["zod"] = "0.0.1";
      return JSON.stringify(record);
    });
    change(shardPath("2-of-3"), "run.json", (text) => text.replace(/"windowsHash": "\w+"/, '"windowsHash": "beef"'));
    await assertRefused(
      /1-of-3: data\.\S+: found 0{64}[^]*1-of-3: code\.fingerprint: found 1{64}[^]*1-of-3: packages\.zod: found 0\.0\.1[^]*2-of-3: its windows hold other samples: found SHA-256 beef/,
    );
  });

  it("are refused where two answers to a sample differ in the last bit, both named with their processors", async () => {
    await runShards(folder, "sharded", { indices: [0, 1], of: 2 });
    change(shardPath("1-of-2"), "predictions.jsonl", (text) =>
      text.replace(/"score":(-[\d.e-]+)/, (_, score: string) => `"score":${Number(score) * (1 + 2 ** -52)}`),
    );
    await assertRefused(
      /sample \d+: two answers: 0-of-2 \(.+, rounding one way\) has \{"id".*1-of-2 \(.+\) has \{"id"/,
    );
    await assertRefused(/two answers/, "--mixed-processors"); // their machines round alike, so this is no reason
  });

  it("are refused where a file is not the one that was written, is broken, or has samples of another run", async () => {
    await runShards(folder, "sharded", { indices: [0, 1, 2], of: 3 });
    appendFileSync(join(shardPath("0-of-3"), "predictions.jsonl"), " \n");
    change(shardPath("1-of-3"), "predictions.jsonl", (text) => text.replace(/"id":"\d+"/, '"id":"unknown"'));
    appendFileSync(join(shardPath("2-of-3"), "predictions.jsonl"), `{"id":"torn"`);
    await assertRefused(
      /0-of-3\S*, line \d+: not a prediction[^]*2-of-3\S*predictions\.jsonl: was changed: found SHA-256 \w{64}, expected \w{64}[^]*1-of-3: 1 samples that the run does not ask: unknown/,
    );
  });

  it("are not written over a run that was not merged, nor beside other files", async () => {
    await runShards(folder, "sharded", { indices: [0], of: 1 });
    await runWhole(folder, "whole");
    const { code, err } = await fakeIn(folder, "merge", "--output", "whole", "sharded");
    assert.equal(code, 2);
    assert.match(err, /whole: holds a run that one machine asked\. Give another folder with --output\.\n$/);
    writeFileSync(join(folder, "sharded", "notes.txt"), "");
    assert.match((await fakeIn(folder, "merge", "sharded")).err, /sharded: holds other files than shards\. Give a new/);
    rmSync(join(folder, "sharded", "notes.txt"));
    assert.equal((await fakeIn(folder, "merge", "sharded")).code, 0);
    const other = ["run", ...question, "--beams", "2", "--shard", "0/1", "--output", "other"];
    assert.equal((await fakeIn(folder, ...other)).code, 0);
    const refused = await fakeIn(folder, "merge", "--output", "sharded", "other");
    assert.match(refused.err, /1 .*|config\.decoding\.beams/);
    assert.equal(refused.code, 2);
  });

  it("must be named, and be there", async () => {
    const refused = async (expected: RegExp, ...words: string[]): Promise<void> => {
      const { code, err } = await fakeIn(folder, "merge", ...words);
      assert.match(err, expected);
      assert.equal(code, 2);
    };
    await refused(/merge: found no folder, expected the one that `run --shard … --output` was given\./);
    await refused(/merge: found several folders, expected --output with the folder to merge them into\./, "a", "b");
    await refused(/a: no shards in it or in <model>\/<task> below it\./, "a");
    await refused(
      /b: no shard in it\. Give folders that `run --shard` has written, or copies of them\./,
      "-o",
      "a",
      "b",
    );
    await refused(/--status only shows, so --fill cannot be given with it\./, "a", "--status", "--fill");
  });
});

describe("shards of machines that round differently", () => {
  async function shardsOn(roundings: readonly string[], words: readonly string[], isWrong = false): Promise<void> {
    for (const [index, rounding] of roundings.entries()) {
      const machine = roundedCatalog(rounding);
      await runShards(folder, "sharded", { indices: [index], of: roundings.length, words, machine });
    }
    if (isWrong) {
      change(shardPath("1-of-2"), "predictions.jsonl", (text) => text.replace(/"score":-[\d.e-]+/, '"score":-0.5'));
    }
  }

  it("are merged in fp32 where they answer the same to the same samples, with a note", async () => {
    await shardsOn(["one way", "another"], question);
    const { code, err } = await fakeIn(folder, "merge", "sharded");
    assert.equal(code, 0, err);
    assert.match(err, /The machines round differently: one way \(.*: 0-of-2\); another \(.*: 1-of-2\)\. Of 4 samples/);
    const { mixedProcessors, machines } = recordOf(join(folder, "sharded"));
    assert.deepEqual(mixedProcessors, { compared: 4, differing: 0 });
    assert.ok(Array.isArray(machines) && machines.length === 2);
  });

  it("are refused in fp32 where window 0 differs, and always in int8, but for --mixed-processors", async () => {
    await shardsOn(["one way", "another"], question, true);
    const refused = await fakeIn(folder, "merge", "sharded");
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /two answers[^]*round differently, and their answers to the same samples differ: one way/,
    );
    assert.match(refused.err, /With --mixed-processors the answers of the lowest shard are kept\./);
    const merged = await fakeIn(folder, "merge", "sharded", "--mixed-processors");
    assert.equal(merged.code, 0, merged.err);
    assert.match(merged.err, /1 have other answers; those of the lowest shard are kept\./);
    assert.deepEqual(recordOf(join(folder, "sharded"))["mixedProcessors"], { compared: 4, differing: 1 });
    await runWhole(folder, "whole");
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));

    rmSync(join(folder, "sharded"), { recursive: true });
    await shardsOn(["one way", "another"], [...question, "--precision", "int8"]);
    assert.match(
      (await fakeIn(folder, "merge", "sharded")).err,
      /round differently, in int8, where answers depend on it/,
    );
    assert.equal((await fakeIn(folder, "merge", "sharded", "--mixed-processors")).code, 0);
  });
});

describe("windows that no shard has answered", () => {
  it("are named with the commands that ask them, and merged once these have", async () => {
    await runWhole(folder, "whole");
    await runShards(folder, "sharded", { indices: [0, 1], of: 3 });
    const journal = join(shardPath("1-of-3"), "predictions.jsonl");
    const text = readFileSync(journal, "utf8");
    change(shardPath("1-of-3"), "predictions.jsonl", () => text.slice(0, -20)); // as a crash leaves it
    const { code, out, err } = await fakeIn(folder, "merge", "sharded");
    assert.equal(code, 3);
    assert.equal(out, "");
    assert.deepEqual(readdirSync(join(folder, "sharded")), ["shards"], "nothing is written");
    const command = (index: number): string =>
      `npx blip2-bench run ${question.join(" ")} --shard ${index}/3 --output sharded`;
    const [, windows = ""] = /shard 2\/3 \(never began\): windows (.*)\n/.exec(err) ?? [];
    assert.ok(windows.split(", ").every((number) => Number(number) % 3 === 2));
    const torn = /shard 1\/3 \(complete\): windows (\d+)\n/.exec(err)?.[1];
    assert.equal(Number(torn) % 3, 1);
    assert.ok(err.includes(`Begin them again:\n  ${command(1)}\n  ${command(2)}\n`), err);
    assert.ok(err.includes("Or ask them here:\n  npx blip2-bench merge sharded --fill\n"), err);
    for (const index of [1, 2]) assert.equal((await fakeIn(folder, ...command(index).split(" ").slice(2))).code, 0);
    assert.equal((await fakeIn(folder, "merge", "sharded")).code, 0);
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
  });

  it("are named as tasks of a Slurm array where one asked", async () => {
    const env = { SLURM_ARRAY_JOB_ID: "17", SLURM_ARRAY_TASK_ID: "1" };
    const words = ["run", ...question, "--shard", "auto/4", "--output", "sharded"];
    const { code } = await callCommand(folder, { words, env, offered: roundedCatalog("one way") });
    assert.equal(code, 0);
    assert.ok(existsSync(shardPath("1-of-4")));
    assert.match(
      (await fakeIn(folder, "merge", "sharded")).err,
      /Of a Slurm array: sbatch --array=0,2,3, and its script\./,
    );
  });

  it("are asked here with --fill, as the shards asked them", async () => {
    const words = [...question, "--beams", "3", "--prompt", "Q: {question} A:", "--protocol", "lavis"];
    await runWhole(folder, "whole", words);
    await runShards(folder, "sharded", { indices: [2], of: 3, words });
    const { code, out, err } = await fakeIn(folder, "merge", "sharded", "--fill");
    assert.equal(code, 0, err);
    assert.match(out, /^checkpoint/);
    assert.equal(answersOf(join(folder, "sharded")), answersOf(join(folder, "whole")));
    assert.equal(readdirSync(join(folder, "sharded", "shards")).length, 2);
  });

  it("are not asked with --fill of another checkpoint", async () => {
    await runShards(folder, "sharded", { indices: [1], of: 3 });
    const { code, err } = await fakeIn(folder, "merge", "sharded", "--fill", "--model", "fake-two");
    assert.equal(code, 2);
    assert.match(
      err,
      /--fill: what is here is not what the shards had:\n {2}checkpoint\.name: found fake, expected fake-two/,
    );
  });
});

describe("merge --status", () => {
  it("shows how far each shard is, and writes nothing", async () => {
    await runShards(folder, "sharded", { indices: [0, 1], of: 3 });
    const { code, out } = await fakeIn(folder, "merge", "sharded", "--status");
    assert.equal(code, 0);
    assert.match(out, /^checkpoint +task +shard +status +answered +of +failed/);
    assert.match(out, /^fake +vqav2 +1-of-3 +complete +\d+ +\d+ +0/m);
    const json = JSON.parse((await fakeIn(folder, "merge", "sharded", "--status", "--json")).out) as {
      shards: unknown[];
    };
    assert.equal(json.shards.length, 2);
    assert.deepEqual(readdirSync(join(folder, "sharded")), ["shards"]);
  });
});
