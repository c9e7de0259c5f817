/** Commands on a checkpoint of the first stage whose Q-Former writes: captions beside retrieval, and no answers. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { loadWriterCheckpoint } from "../../../models/load-writer.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { cacheFolder } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const image = path.join(bundledData, "val2014", "COCO_val2014_000000000108.jpg");
const one = ["--model", "shapes-itg"];

function captionsIn(folder: string): readonly string[] {
  const file = path.join(folder, "predictions.jsonl");
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { text?: string }).text ?? "")
    .toSorted();
}

describe("a checkpoint whose Q-Former writes", () => {
  it("does captions and retrieval in one run, the captions alike in several processes", async () => {
    const folder = temporaryFolder();
    const tasks = ["--tasks", "coco-caption,flickr30k-retrieval", "--limit", "6", "--no-report"];
    const alone = await inProcess(folder, "run", ...one, ...tasks, "--output", "alone");
    assert.equal(alone.code, 0, alone.err);
    assert.match(alone.out, /coco-caption .* CIDEr/);
    assert.match(alone.out, /flickr30k-retrieval .* TR@1/);
    const spread = ["run", ...one, "--tasks", "coco-caption", "--limit", "6", "--no-report", "--workers", "2"];
    const inWorkers = await inProcess(folder, ...spread, "--output", "workers");
    assert.equal(inWorkers.code, 0, inWorkers.err);
    const captions = captionsIn(path.join(folder, "alone", "shapes-itg", "coco-caption"));
    assert.equal(captions.length, 6);
    assert.deepEqual(captionsIn(path.join(folder, "workers")), captions);
  });

  it("captions an image, and says why it answers no question about one", async () => {
    const folder = temporaryFolder();
    const caption = await inProcess(folder, "caption", image, ...one);
    assert.match(caption.out, /^four shapes they ' re a black square/);
    const asked = await inProcess(folder, "ask", image, "what is it?", ...one);
    assert.equal(asked.code, 2);
    assert.match(
      asked.err,
      /--model shapes-itg: its Q-Former writes captions, and answers no questions\. See caption\./,
    );
    const run = await inProcess(folder, "run", ...one, "--tasks", "vqav2");
    assert.equal(run.code, 2);
    assert.match(
      run.err,
      /whose Q-Former writes captions and answers no questions\. Its tasks: coco-caption, nocaps, flickr30k-retrieval, /,
    );
    const bench = await inProcess(folder, "bench", ...one, "--tasks", "vqav2", "--output", "bench");
    assert.equal(bench.code, 2);
    assert.match(bench.err, /--tasks vqav2: the Q-Former itself writes captions, and answers no questions\./);
  });

  it("needs a tokenizer with the word that texts begin with", async () => {
    const folder = temporaryFolder();
    const source = bundledCheckpoint("shapes-itg");
    for (const name of readdirSync(source)) copyFileSync(path.join(source, name), path.join(folder, name));
    for (const name of ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]) {
      const file = path.join(folder, name);
      writeFileSync(file, readFileSync(file, "utf8").replaceAll("[DEC]", "[ENC]"));
    }
    const options = { cacheFolder, hubCache: "/nowhere", threads: 1 };
    await assert.rejects(
      async () => loadWriterCheckpoint(await openCheckpoint(folder, options), options),
      /its tokenizer has no word \[DEC\], which texts begin with\. Convert it anew\./,
    );
  });
});
