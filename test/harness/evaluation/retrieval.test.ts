/** Retrieval end to end on the bundled shapes-itm, against the reference's similarities, logits, ranks and recalls. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import { embedSplit, matchCandidates } from "../../../harness/evaluation/retrieval/ask.ts";
import { rerankNote } from "../../../harness/evaluation/retrieval/prepare.ts";
import { scoreRetrieval } from "../../../harness/evaluation/retrieval/score.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import type { ImageTextScorer } from "../../../models/model.ts";
import { cocoRetrieval } from "../../../tasks/coco-retrieval.ts";
import { flickr30kRetrieval } from "../../../tasks/flickr30k-retrieval.ts";
import { retrievalRanks } from "../../../tasks/metrics/recall.ts";
import { candidates, rerankedScores, textsToMatch } from "../../../tasks/metrics/retrieval-ranking.ts";
import { assertClose, goldenJson } from "../../support/goldens.ts";
import { ItmGoldens } from "../../support/goldens-itm.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

const data = path.join(projectRoot, "datasets", "bundled");
const options = { threads: 1, cacheFolder, hubCache: "" };
const protocol = flickr30kRetrieval.protocols.paper;
const watcher = { isStopped: () => false, onProgress: () => undefined };

async function load(name: string, imageTokenBytes?: number): Promise<ImageTextScorer> {
  const checkpoint = await openCheckpoint(path.join(projectRoot, "models", "bundled", name), options);
  return loadRetrievalCheckpoint(checkpoint, imageTokenBytes === undefined ? options : { ...options, imageTokenBytes });
}

async function flickr30k(count?: number): Promise<readonly RetrievalSample[]> {
  return (await flickr30kRetrieval.dataset.open({ folder: data }, "test")).samples.slice(0, count);
}

function workOf(samples: readonly RetrievalSample[]) {
  return { samples, protocol, batchSize: 8, run: "test", split: "flickr30k test" };
}

describe("retrieval with shapes-itm", () => {
  let scorer: ImageTextScorer;
  before(async () => {
    scorer = await load("shapes-itm");
  });
  after(async () => {
    await scorer.release();
  });

  it("ranks Flickr30k as the reference does: similarities, candidates, logits, ranks and recalls", async () => {
    const rerank = 32;
    const goldens = await ItmGoldens.of("retrieval");
    const embedded = await embedSplit(scorer, workOf(await flickr30k()), watcher);
    assert.ok(embedded);
    const { similarities, gallery } = embedded;
    assertClose(similarities.values, await goldens.floats("itc"), "similarities");

    const matched = await matchCandidates(scorer, embedded, { rerank, rerankBy: "itm", run: "test" }, watcher);
    assert.ok(matched);
    const found = candidates(similarities, rerank);
    for (const [direction, rows] of [
      ["i2t", found.imageToText],
      ["t2i", found.textToImage],
    ] as const) {
      const expected = await goldens.integers(`${direction}.topk`);
      const logits = new Float32Array(expected.length);
      for (const [row, own] of rows.entries()) {
        const golden = expected.slice(row * rerank, (row + 1) * rerank);
        assert.deepEqual(own.toSorted(), golden.toSorted(), `candidates of ${direction} row ${row}`);
        for (const [place, candidate] of golden.entries()) {
          const [image, text] = direction === "i2t" ? [row, candidate] : [candidate, row];
          logits[row * rerank + place] = matched[image]!.logits[matched[image]!.texts.indexOf(text)]!;
        }
      }
      assertClose(logits, await goldens.floats(`${direction}.itm`), `matching logits of ${direction}`);
    }

    const ranks = retrievalRanks(rerankedScores(similarities, found, matched), gallery);
    assert.deepEqual(ranks.imageToText.ranks, await goldens.integers("rank.image_to_text"));
    assert.deepEqual(ranks.textToImage.ranks, await goldens.integers("rank.text_to_image"));
    const { scores } = scoreRetrieval(embedded, rerank, matched);
    const { retrieval } = goldenJson("shapes-itm", "metrics.json") as { retrieval: GoldenRecalls };
    assert.deepEqual(recalls(scores, ""), pick(retrieval));
    assert.deepEqual(recalls(scores, "ITC "), pick(retrieval.itc_only));
    assert.ok(scores["TR MRR"]!.value! > 0.9 && scores["IR@1"]!.standardError! > 0);
  });

  it("re-ranks no more candidates than the gallery has, and says so", async () => {
    const samples = await flickr30k(3);
    const embedded = await embedSplit(scorer, workOf(samples), watcher);
    assert.ok(embedded);
    assert.equal(
      rerankNote(128, embedded.similarities),
      "--rerank 128: there are only 3 images and 15 texts; " +
        "15 texts are re-ranked for each image and 3 images for each text.",
    );
    assert.equal(rerankNote(3, embedded.similarities), null);
    const matched = await matchCandidates(scorer, embedded, { rerank: 128, rerankBy: "itm", run: "test" }, watcher);
    assert.deepEqual(
      matched!.map(({ texts }) => texts.length),
      [15, 15, 15],
    );
    assert.equal(scoreRetrieval(embedded, 128, matched!).scores["TR@10"]!.value, 1);
    const alone = scoreRetrieval(embedded, 0, []).scores;
    assert.equal(alone["TR@1"]!.value, alone["ITC TR@1"]!.value);
  });

  it("fails an image that cannot be read alone, and ranks the others without its texts", async () => {
    const samples = [...(await flickr30k(4))];
    const broken = path.join(temporaryFolder(), "broken.jpg");
    writeFileSync(broken, "no image");
    const missing = path.join(path.dirname(broken), "missing.jpg");
    samples[1] = { ...samples[1]!, image: { id: "broken", path: broken } };
    samples[2] = { ...samples[2]!, image: { id: "missing", path: missing } };
    const embedded = await embedSplit(scorer, workOf(samples), watcher);
    assert.ok(embedded);
    assert.deepEqual([...embedded.failed.keys()], [samples[1].id, samples[2].id]);
    assert.match(embedded.failed.get(samples[1].id)!, /broken\.jpg: .*expected JPEG, PNG, WebP or GIF/);
    assert.match(embedded.failed.get(samples[2].id)!, /^flickr30k test: image missing not found in /);
    assert.deepEqual(embedded.gallery.images, [samples[0]!.image.id, samples[3]!.image.id]);
    assert.equal(embedded.gallery.imageOfText.length, 10);
    assert.equal(embedded.similarities.values.length, 20);

    const none = await embedSplit(scorer, workOf(samples.slice(1, 3)), watcher);
    assert.deepEqual(await matchCandidates(scorer, none!, { rerank: 128, rerankBy: "itm", run: "test" }, watcher), []);
    assert.deepEqual(scoreRetrieval(none!, 128, []).scores, {});
    const failed = await scorer.match({ id: "missing", path: missing }, [[2, 3]]);
    assert.ok(failed.status === "failed" && failed.error.includes("no such file"));
  });

  it("gives a text the same numbers wherever it stands and however it is batched", async () => {
    const [sample] = await flickr30k(1);
    const long = "a red circle to the left of a blue square and a green star below a tiny purple cross";
    const texts = ["a red circle", long, "a blue star", "a red circle"];
    const tokens = await scorer.readTexts(texts, protocol);
    const embedded = await scorer.embedTexts(tokens);
    const width = embedded.length / texts.length;
    const vector = (text: number) => embedded.slice(text * width, (text + 1) * width);
    assert.deepEqual(vector(0), vector(3));
    assertClose(await scorer.embedTexts([tokens[0]!]), vector(0), "a vector that is made alone");

    const together = await scorer.match(sample!.image, tokens);
    assert.ok(together.status === "matched");
    assert.equal(together.logits[0], together.logits[3]);
    for (const [place, text] of tokens.entries()) {
      const alone = await scorer.match(sample!.image, [text]);
      assert.ok(alone.status === "matched");
      assertClose(alone.logits, together.logits.slice(place, place + 1), `the logit of text ${place} alone`);
    }
  });

  it("matches an image that was not kept by encoding it again, to the same logits", async () => {
    const small = await load("shapes-itm", 0);
    const [sample] = await flickr30k(1);
    const tokens = await small.readTexts(["a red circle", "a blue star"], protocol);
    for (const each of [small, scorer]) await each.embedImages([sample!.image]);
    const [encoded, kept] = [await small.match(sample!.image, tokens), await scorer.match(sample!.image, tokens)];
    assert.ok(encoded.status === "matched" && kept.status === "matched");
    assert.deepEqual(encoded.logits, kept.logits);
    assert.ok("vision" in encoded.latencyMs && !("vision" in kept.latencyMs));
    await small.release();
  });

  it("reads texts nobody would write: empty, endless, with control characters, with <image>", async () => {
    const [sample] = await flickr30k(1);
    const endless = "a circle ".repeat(10_000);
    const written = ["", "\0\u0001\u007f", endless, "<image> a circle", "a circle"];
    const tokens = await scorer.readTexts(written.map(protocol.text), protocol);
    assert.deepEqual(
      tokens.map(({ length }) => length),
      [2, 2, 35, 4, 4],
    );
    assert.deepEqual(tokens[3], tokens[4]);
    const matching = await scorer.match(sample!.image, tokens);
    assert.ok(matching.status === "matched" && matching.logits.every(Number.isFinite));
    await assert.rejects(
      () => scorer.readTexts(["a circle"], { maxTokens: 65 }),
      /^CheckpointError: shapes-itm: texts of 65 tokens are asked for, but its Q-Former has 64 text positions /,
    );
  });

  it("matches no image twice, and stops between images", async () => {
    const embedded = await embedSplit(scorer, workOf(await flickr30k(3)), watcher);
    assert.ok(embedded);
    const first = await matchCandidates(scorer, embedded, { rerank: 2, rerankBy: "itm", run: "test" }, watcher);
    const known = new Map([[embedded.gallery.images[1]!, first![1]!]]);
    const matchedNow: string[] = [];
    const onMatched = ({ id }: { id: string }) => {
      matchedNow.push(id);
      return Promise.resolve();
    };
    const again = await matchCandidates(
      scorer,
      embedded,
      { rerank: 2, rerankBy: "itm", run: "test", known, onMatched },
      watcher,
    );
    assert.deepEqual(again, first);
    assert.deepEqual(matchedNow, [embedded.gallery.images[0], embedded.gallery.images[2]]);
    const stopping = { ...watcher, isStopped: () => true };
    assert.equal(await matchCandidates(scorer, embedded, { rerank: 2, rerankBy: "itm", run: "test" }, stopping), null);
    assert.equal(await embedSplit(scorer, workOf(await flickr30k(3)), stopping), null);
  });

  it("takes COCO's texts from an image's own list", async () => {
    const { samples } = await cocoRetrieval.dataset.open({ folder: data }, "test");
    const embedded = await embedSplit(scorer, { ...workOf(samples.slice(0, 2)), split: "coco test" }, watcher);
    assert.deepEqual(embedded!.gallery.imageOfText, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    assert.deepEqual(
      textsToMatch(candidates(embedded!.similarities, 10)).map(({ length }) => length),
      [10, 10],
    );
  });
});

describe("a checkpoint for the other kind of task", () => {
  it("is refused by name", async () => {
    await assertRefused(
      () => load("shapes-opt-small"),
      "shapes-opt-small: a checkpoint that generates text, which ranks no images. " +
        "Retrieval needs one such as Salesforce/blip2-itm-vit-g.",
    );
    const checkpoint = await openCheckpoint(path.join(projectRoot, "models", "bundled", "shapes-itm"), options);
    await assertRefused(
      () => loadGenerationCheckpoint(checkpoint, options),
      "shapes-itm: a checkpoint for image-text retrieval, which generates no text.",
    );
  });
});

type GoldenRecall = Readonly<Record<string, number>>;
type GoldenRecalls = GoldenRecall & { readonly itc_only: GoldenRecall };

const names: readonly (readonly [ours: string, theirs: string])[] = [
  ["TR@1", "txt_r1"],
  ["TR@5", "txt_r5"],
  ["TR@10", "txt_r10"],
  ["IR@1", "img_r1"],
  ["IR@5", "img_r5"],
  ["IR@10", "img_r10"],
];

/** In percent with four digits, as the reference prints them. */
function recalls(scores: Readonly<Record<string, { readonly value: number | null }>>, prefix: string): GoldenRecall {
  return Object.fromEntries(
    names.map(([ours, theirs]) => [theirs, Number((100 * scores[`${prefix}${ours}`]!.value!).toFixed(4))]),
  );
}

function pick(recall: GoldenRecall): GoldenRecall {
  return Object.fromEntries(names.map(([, theirs]) => [theirs, recall[theirs]!]));
}
