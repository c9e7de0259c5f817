/** A retrieval run as the command makes it: what is on disk, what a stopped run keeps, what broken images do. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const words = ["run", "--model", "shapes-itm", "--tasks", "flickr30k-retrieval", "--limit", "8", "--rerank", "6"];

/** The journal without what the clock says. */
function journal(folder: string, run: string): readonly object[] {
  const lines = readFileSync(join(folder, run, "predictions.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => ({ ...(JSON.parse(line) as object), latencyMs: null }));
}

describe("a retrieval run", () => {
  let folder: string;
  before(async () => {
    folder = temporaryFolder();
    const { code, out, err } = await inProcess(folder, ...words, "--output", "whole");
    assert.equal(code, 0, err);
    assert.match(out, /^shapes-itm +flickr30k-retrieval +test +custom +TR@1 +\d+\.\d\d ± /m);
    assert.match(out, / ITC IR@10 /);
  });

  it("goes on where it stopped, to the same journal and the same scores", async () => {
    cpSync(join(folder, "whole"), join(folder, "stopped"), { recursive: true });
    const path = join(folder, "stopped", "predictions.jsonl");
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, `${lines.slice(0, 3).join("\n")}\n${lines[3]!.slice(0, 40)}`); // three, and a torn one
    const { code, err } = await inProcess(folder, ...words, "--output", "stopped");
    assert.equal(code, 0, err);
    assert.deepEqual(journal(folder, "stopped"), journal(folder, "whole"));
    const scores = (run: string): string => readFileSync(join(folder, run, "scores.json"), "utf8");
    assert.equal(scores("stopped"), scores("whole"));
  });

  it("begins again where its similarities are gone", async () => {
    cpSync(join(folder, "whole"), join(folder, "again"), { recursive: true });
    rmSync(join(folder, "again", "similarities.f32"));
    const { code, err } = await inProcess(folder, ...words, "--output", "again");
    assert.equal(code, 0, err);
    assert.match(err, /images: 8 of 8/);
    assert.deepEqual(journal(folder, "again"), journal(folder, "whole"));
  });

  it("is scored again without the model, to the same bytes", async () => {
    cpSync(join(folder, "whole"), join(folder, "scored"), { recursive: true });
    rmSync(join(folder, "scored", "scores.json"));
    const { code, err } = await inProcess(folder, "score", "scored");
    assert.equal(code, 0, err);
    const scores = (run: string): string => readFileSync(join(folder, run, "scores.json"), "utf8");
    assert.equal(scores("scored"), scores("whole"));
  });

  it("says so where fewer candidates exist than are to be re-ranked", async () => {
    const { code, err } = await inProcess(folder, ...words, "--rerank", "500", "--limit", "3", "--output", "small");
    assert.equal(code, 0, err);
    assert.match(err, /--rerank 500: there are only 3 images and 15 texts; 15 texts are re-ranked for each image/);
  });

  it("leaves out an image that cannot be read, counts it, and exits with 3; with the image back it does all again", async () => {
    const data = join(folder, "data");
    cpSync(bundledData, data, { recursive: true });
    const { images } = JSON.parse(readFileSync(join(data, "dataset_flickr30k.json"), "utf8")) as {
      images: { filename: string; split: string }[];
    };
    const { filename } = images.find(({ split }) => split === "test")!;
    const image = join(data, "flickr30k-images", filename);
    const bytes = readFileSync(image);
    rmSync(image);
    const broken = await inProcess(folder, ...words, "--data", data, "--output", "broken");
    assert.equal(broken.code, 3);
    assert.match(broken.err, /1 of 8 samples failed/);
    assert.match(broken.out, /partial: 1 of 8 samples failed; scored on the other 7\./);

    writeFileSync(image, bytes);
    const { code, err } = await inProcess(folder, ...words, "--data", data, "--output", "broken");
    assert.equal(code, 0, err);
    assert.deepEqual(journal(folder, "broken"), journal(folder, "whole"));
  });

  it("is refused a checkpoint that generates, and a generation task a checkpoint that ranks", async () => {
    const generates = /^error: --model shapes-opt-base: a checkpoint with a language model, .* Its tasks: vqav2, /;
    const ranks =
      /^error: --model shapes-itm: a checkpoint for image-text retrieval, .* Its tasks: flickr30k-retrieval, /;
    assertFails(
      await inProcess(folder, "run", "--model", "shapes-opt-base", "--tasks", "coco-retrieval"),
      2,
      generates,
    );
    assertFails(await inProcess(folder, "run", "--model", "shapes-itm", "--tasks", "vqav2,gqa"), 2, ranks);
  });
});
