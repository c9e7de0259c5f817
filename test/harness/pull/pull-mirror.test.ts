/** Mirrors of data sets on a stand-in hub: fetched by split, by name and by `run --pull`, read, listed and removed. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { flickr30kMirror, vqav2Mirror } from "../../support/bundled-mirrors.ts";
import { assertFails } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { bundledFiles, call, filesOf, runBeside } from "../../support/hub/pulling.ts";
import { startHub } from "../../support/hub/stand-in-hub.ts";
import type { StandInHub } from "../../support/hub/stand-in-hub.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const model = "Salesforce/blip2-opt-2.7b";
const mirror = "hf:someone/VQAv2";
const repository = "datasets/someone/VQAv2";

describe("a mirror that is pulled", () => {
  const made = temporaryFolder();
  let folder = "";
  let hub: StandInHub;
  let env: Record<string, string> = {};
  before(async () => {
    vqav2Mirror(made);
    const files = Object.entries(filesOf(join(made, "data"))).map(([name, bytes]): [string, Buffer] => [
      `data/${name}`,
      bytes,
    ]);
    const flickr = temporaryFolder();
    flickr30kMirror(flickr, { hasSplit: true });
    const texts = Object.entries(filesOf(join(flickr, "data"))).map(([name, bytes]): [string, Buffer] => [
      `data/${name}`,
      bytes,
    ]);
    hub = await startHub({
      [model]: { files: bundledFiles("shapes-opt-small") },
      "someone/itm": { files: bundledFiles("shapes-itm") },
      [repository]: {
        files: {
          "README.md": Buffer.from("---\nlicence: cc-by-4.0\n---\n"),
          ".gitattributes": Buffer.from(""),
          ...Object.fromEntries(files),
          "data/test-00000-of-00001.parquet": Buffer.from("PAR1, more or less"),
        },
        refs: ["v1"],
      },
      "datasets/someone/flickr30k": { files: Object.fromEntries(texts) },
      "datasets/someone/script": { files: { "script.py": Buffer.from("print()") } },
    });
    env = { HF_ENDPOINT: hub.endpoint };
  });
  beforeEach(() => {
    folder = temporaryFolder();
  });
  after(() => hub.close());

  const commandOf = (...words: string[]): Promise<Ended> => call(folder, env, ...words);
  const snapshot = (): string => {
    const commit = hub.commitOf(repository);
    return join(folder, "hub", "hub", "datasets--someone--VQAv2", "snapshots", commit);
  };

  it("is the files of the split that is named, by any of its names", async () => {
    const { code, out, err } = await commandOf("pull", mirror, "--split", "val");
    assert.equal(code, 0, err);
    assert.match(err, new RegExp(`${mirror}: its licence and terms are on ${hub.endpoint}/datasets/someone/VQAv2`));
    assert.match(
      out,
      /^hf:someone\/VQAv2@main is [0-9a-f]{40}: 3 files fetched, .*\n.*\nuse it with --data hf:someone\/VQAv2\n$/,
    );
    assert.deepEqual(filesOf(join(snapshot(), "data")), filesOf(join(made, "data")));
    assert.deepEqual(readdirSync(snapshot()), ["data"]);
    const again = await commandOf("pull", mirror, "--split", "validation", "--json");
    const { mirrors } = JSON.parse(again.out) as { mirrors: { files: { wasHere: boolean }[] }[] };
    assert.deepEqual(
      mirrors[0]?.files.map(({ wasHere }) => wasHere),
      [true, true, true],
    );
  });

  it("is fetched by run --pull beside the checkpoint; without, the error names the command", async () => {
    const run = [
      "run",
      "-m",
      model,
      "-t",
      "vqav2",
      "--data",
      mirror,
      "--limit",
      "20",
      "--no-report",
      "-o",
      "runs/here",
    ];
    assert.equal((await commandOf("pull", model)).code, 0);
    assertFails(
      await commandOf(...run),
      2,
      /hf:someone\/VQAv2: not in the Hugging Face cache; looked for .*\. Get it with: npx blip2-bench pull hf:someone\/VQAv2 --split val\n$/,
    );
    const pulled = await runBeside(folder, [...run, "--pull"], env);
    assert.equal(pulled.code, 0, pulled.err);
    const bundled = await runBeside(
      folder,
      ["run", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "20", "--no-report", "-o", "bundled"],
      env,
    );
    assert.equal(bundled.code, 0, bundled.err);
    assert.deepEqual(metricsOf("runs/here"), metricsOf("bundled"));
    const before = hub.requests.length;
    const again = await runBeside(folder, [...run, "--pull"], env);
    assert.equal(again.code, 0, again.err);
    assert.equal(hub.requests.length, before, "nobody is asked where all is here");
    const other = run.map((word) => (word === "runs/here" ? "runs/other" : word));
    assertFails(
      await commandOf(...other, "--split", "test"),
      2,
      /no parquet file of a split "test"; splits there: validation\. .*Or get it with: npx blip2-bench pull hf:someone\/VQAv2 --split test\n$/,
    );
  });

  it("of Karpathy's splits is fetched whole: the rows say which split they are of", async () => {
    const run = [
      "run",
      "-m",
      "someone/itm",
      "-t",
      "flickr30k-retrieval",
      "--data",
      "hf:someone/flickr30k",
      "--limit",
      "4",
    ];
    const { code, err } = await runBeside(folder, [...run, "--no-report", "-o", "run", "--pull"], env);
    assert.equal(code, 0, err);
  });

  it("is fetched for a user's own questions, too; of several splits one must be named", async () => {
    assert.equal((await commandOf("pull", model)).code, 0);
    const run = [
      "run",
      "-m",
      model,
      "-t",
      "vqa",
      "--data",
      mirror,
      "--limit",
      "4",
      "--no-report",
      "-o",
      "own",
      "--pull",
    ];
    assertFails(await runBeside(folder, run, env), 2, /has several splits; splits there: validation \(.*\), test \(/);
    const { code, err } = await runBeside(folder, [...run, "--split", "validation"], env);
    assert.equal(code, 0, err);
  });

  it("is listed and removed by its name, and stays where a checkpoint is removed", async () => {
    assert.equal((await commandOf("pull", `${mirror}@v1`, "--split", "val")).code, 0);
    assert.equal((await commandOf("pull", model)).code, 0);
    const listed = await commandOf("cache", "ls");
    assert.match(listed.out, /hf:someone\/VQAv2 +[0-9a-f]{40} +v1 +\S+ [kM]B +whole/);
    assert.equal((await commandOf("cache", "prune", "--revision", model)).code, 0);
    assert.equal(readdirSync(join(snapshot(), "data")).length, 3);
    assertFails(
      await commandOf("cache", "prune", "--revision", "someone/VQAv2"),
      2,
      /someone\/VQAv2: not in the Hugging Face cache/,
    );
    const removed = await commandOf("cache", "prune", "--revision", `${mirror}@v1`);
    assert.equal(removed.code, 0, removed.err);
    assert.deepEqual(
      readdirSync(join(folder, "hub", "hub")).filter((name) => name.startsWith("datasets")),
      [],
    );
  });

  it("offline is what is here, and nobody is asked", async () => {
    assert.equal((await commandOf("pull", mirror, "--split", "val")).code, 0);
    const before = hub.requests.length;
    const offline = { ...env, HF_HUB_OFFLINE: "1" };
    assert.equal((await call(folder, offline, "pull", mirror, "--split", "val")).code, 0);
    assertFails(
      await call(folder, offline, "pull", "hf:someone/flickr30k", "--split", "test"),
      2,
      /^error: hf:someone\/flickr30k: not, or not all of it, in .*, and HF_HUB_OFFLINE forbids to fetch it\. Unset it\.\n$/m,
    );
    assert.equal(hub.requests.length, before);
  });

  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [
      [mirror],
      /hf:someone\/VQAv2: has several splits; splits there: validation \(.*\), test \(.*\)\. Fetch one with: npx blip2-bench pull hf:someone\/VQAv2 --split <name>$/m,
    ],
    [[mirror, "--split", "train"], /hf:someone\/VQAv2: no split "train" or "train2014"; splits there: /],
    [
      ["hf:someone/script"],
      /hf:someone\/script: no parquet file, found script\.py\. Is it a data set of parquet files\?$/m,
    ],
    [
      ["hf:someone/nothing"],
      /hf:someone\/nothing: no such repository at .*, or it is private\. The hub says: Repository not found\./,
    ],
    [["hf:someone"], /pull hf:someone: expected hf:owner\/name or hf:owner\/name@revision\.$/m],
    [
      [mirror, "--limit", "3"],
      /pull hf:someone\/VQAv2 --limit: a mirror's split is fetched whole, into the Hugging Face cache\.$/m,
    ],
    [[mirror, "--output", "x"], /pull hf:someone\/VQAv2 --output: a mirror's split is fetched whole/],
  ];
  for (const [words, expected] of refusals) {
    it(`is refused: ${words.join(" ")}`, async () => {
      assertFails(await commandOf("pull", ...words), 2, expected);
    });
  }

  function metricsOf(output: string): unknown {
    const { metrics } = JSON.parse(readFileSync(join(folder, output, "scores.json"), "utf8")) as {
      metrics: { name: string; value: number }[];
    };
    return metrics.map(({ name, value }) => [name, value]);
  }
});
