/** Several processes that score: where images are matched, and what comes of it when processes die. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ModelPlace } from "../../../harness/processes/model-service.ts";
import { ScorerProcess } from "../../../harness/processes/scorer-process.ts";
import { ScorerWorkers } from "../../../harness/processes/scorer-workers.ts";
import type { ImageTextScorer } from "../../../models/model.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const entry = join(projectRoot, "dist", "test", "support", "fake-scorer-process.js");
const place: ModelPlace = { where: "fake", threads: 1, cacheFolder, hubCache: "" };
const image = (number: number): { id: string; path: string } => ({ id: String(number), path: `${number}.jpg` });
const numbers = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** Batches of three are embedded, then each image is matched. */
async function everything(scorer: ImageTextScorer): Promise<readonly object[]> {
  const batches = [numbers.slice(0, 3), numbers.slice(3, 6), numbers.slice(6)];
  const embedded = await Promise.all(batches.map((batch) => scorer.embedImages(batch.map(image))));
  const texts = await scorer.readTexts(["a", "abc"], { maxTokens: 5 });
  const vectors = await scorer.embedTexts(texts);
  const first = embedded.flat().map((each) => (each.status === "embedded" ? each.vectors : new Float32Array(2)));
  const similarities = await scorer.compare(first, vectors);
  const matched = await Promise.all(numbers.map((number) => scorer.match(image(number), texts)));
  const weighed = await Promise.all(numbers.map((number) => scorer.weighTexts(image(number), texts)));
  return [embedded, texts, vectors, similarities, matched, weighed];
}

describe("a scorer in several processes", () => {
  const environment = { ...process.env };
  let expected: readonly object[];
  before(async () => {
    const one = await ScorerProcess.start(place, { entry });
    expected = await everything(one);
    await one.release();
  });
  afterEach(() => {
    process.env = { ...environment };
  });

  it("gives what one gives, and matches each image where it was embedded", async () => {
    const workers = await ScorerWorkers.start([place, place], { entry });
    assert.deepEqual([workers.name, workers.weightsBytes, workers.embedsAtOnce], ["fake", 7, 6]);
    assert.deepEqual(await everything(workers), expected);
    assert.equal(workers.matchesAtOnce, 18);
    workers.forget([image(1)]);
    const unknown = await workers.match(image(77), [[1]]);
    assert.ok(unknown.status === "matched" && unknown.logits[0] === -99);
    await workers.release();
  });

  it("embeds a batch again in the place of a process that died, and goes on to the same numbers", async () => {
    const marker = join(temporaryFolder(), "marker");
    process.env["FAKE_CRASH"] = `4 ${marker}`;
    const messages: string[] = [];
    const workers = await ScorerWorkers.start([place, place], { entry, onMessage: (told) => messages.push(told) });
    assert.deepEqual(await everything(workers), expected);
    assert.ok(existsSync(marker));
    assert.match(messages.join(), /was ended by SIGKILL while asked for matches of image 4 with 2 texts/);
    await workers.release();
  });

  it("fails the images of a batch that two died over, and matches that two died over as a whole", async () => {
    process.env["FAKE_EMBED"] = "1";
    process.env["FAKE_CRASH"] = "5";
    const workers = await ScorerWorkers.start([place, place], { entry });
    const [lost, kept] = await Promise.all([
      workers.embedImages([image(1), image(2)]),
      workers.embedImages([image(5), image(6)]),
    ]);
    const error = "asked twice, and the process that was asked was ended by SIGKILL";
    assert.deepEqual(lost, [
      { status: "failed", error },
      { status: "failed", error },
    ]);
    assert.ok(kept.every(({ status }) => status === "embedded"));
    await assert.rejects(workers.match(image(5), [[1]]), /asked for matches of image 5 with 1 texts/);
    const other = await workers.match(image(6), [[1]]);
    assert.ok(other.status === "matched" && other.logits[0] === 501);
    await workers.release();
  });

  it("is a checkpoint that scores", async () => {
    const generating = join(projectRoot, "dist", "test", "support", "fake-model-process.js");
    await assert.rejects(ScorerProcess.start(place, { entry: generating }), {
      name: "CheckpointError",
      message: "fake: a checkpoint that generates text, which ranks no images.",
    });
  });
});
