/** Re-ranking by matching, by log-likelihood and by both, beside a plain ranking of pairs that are read one at a time. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import { recordedConfig } from "../../../harness/spread/recorded-config.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { parseRunRecord, protocolName } from "../../../reports/records/run-record.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { flickr30kRetrieval } from "../../../tasks/flickr30k-retrieval.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { cacheFolder } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const limit = 6;
const rerank = 4;
const asked = ["--tasks", "flickr30k-retrieval", "--limit", `${limit}`, "--rerank", `${rerank}`, "--no-report"];
const words = ["run", "--model", "shapes-itg", ...asked];

type RerankBy = "itm" | "itg" | "both";

/** Of every image with every text, in rows: [images][texts] */
interface PlainScores {
  readonly similarity: readonly (readonly number[])[];
  readonly matching: readonly (readonly number[])[];
  readonly likelihood: readonly (readonly number[])[];
}

/** Each image and each text by itself. */
async function plainScores(samples: readonly RetrievalSample[]): Promise<PlainScores> {
  const options = { cacheFolder, hubCache: "/nowhere", threads: 1 };
  const scorer = await loadRetrievalCheckpoint(await openCheckpoint(bundledCheckpoint("shapes-itg"), options), options);
  const { paper } = flickr30kRetrieval.protocols;
  const texts = await scorer.readTexts(
    samples.flatMap((sample) => sample.texts.map(({ text }) => paper.text(text))),
    paper,
  );
  const scores = { similarity: [] as number[][], matching: [] as number[][], likelihood: [] as number[][] };
  for (const { image } of samples) {
    const [embedded] = await scorer.embedImages([image]);
    assert.ok(embedded?.status === "embedded");
    const rows: [number[], number[], number[]] = [[], [], []];
    for (const text of texts) {
      const similarity = await scorer.compare([embedded.vectors], await scorer.embedTexts([text]));
      const [matched, weighed] = [await scorer.match(image, [text]), await scorer.weighTexts(image, [text])];
      assert.ok(matched.status === "matched" && weighed.status === "weighed");
      assert.equal(weighed.tokens[0], text.length - 1);
      rows[0].push(similarity[0]!);
      rows[1].push(matched.logits[0]!);
      rows[2].push(weighed.logLikelihoods[0]! / weighed.tokens[0]);
    }
    scores.similarity.push(rows[0]);
    scores.matching.push(rows[1]);
    scores.likelihood.push(rows[2]);
  }
  await scorer.release();
  return scores;
}

/** The place of the best own candidate of a row, from 0; a wrong one that scores alike stands before it. */
function plainRank(similar: readonly number[], added: readonly number[], own: ReadonlySet<number>): number {
  const order = [...similar.keys()].sort((a, b) => similar[b]! - similar[a]! || a - b);
  const chosen = new Set(order.slice(0, rerank));
  const score = similar.map((similarity, place) => (chosen.has(place) ? similarity + added[place]! : -100));
  const best = Math.max(...[...own].map((place) => score[place]!));
  return score.filter((other, place) => !own.has(place) && other >= best - 1e-5).length;
}

interface MatchedLine {
  readonly id: string;
  readonly texts: readonly number[];
  readonly logits: readonly number[];
}

function journal(folder: string): readonly MatchedLine[] {
  const lines = readFileSync(join(folder, "predictions.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const { id, texts, logits } = JSON.parse(line) as MatchedLine;
    return { id, texts, logits };
  });
}

async function done(folder: string, ...line: readonly string[]): Promise<string> {
  const { code, out, err } = await inProcess(folder, ...line);
  assert.equal(code, 0, err);
  return out;
}

describe("re-ranking with --rerank-by", () => {
  let folder: string;
  let samples: readonly RetrievalSample[];
  let plain: PlainScores;
  before(async () => {
    folder = temporaryFolder();
    samples = (await flickr30kRetrieval.dataset.open({ folder: bundledData }, "test")).samples.slice(0, limit);
    plain = await plainScores(samples);
    for (const by of ["itm", "itg", "both"]) await done(folder, ...words, "--rerank-by", by, "--output", by);
    await done(folder, ...words, "--output", "usual");
  });

  for (const by of ["itm", "itg", "both"] as const) {
    it(`ranks by ${by} as pairs that are read one at a time do, both ways`, () => {
      const added = addedOf(plain, by);
      const places = new Map(samples.map(({ id }, place) => [id, place]));
      for (const { id, texts, logits } of journal(join(folder, by))) {
        for (const [index, text] of texts.entries()) {
          const expected = added[places.get(id)!]![text]!;
          assert.ok(
            Math.abs(logits[index]! - expected) < 1e-4,
            `${id}, text ${text}: ${logits[index]}, not ${expected}`,
          );
          assert.ok(logits[index]! > -50, "an unmatched pair, which scores -100, would stand before it");
        }
      }
      const imageOfText = samples.flatMap(({ texts }, image) => texts.map(() => image));
      const toText = samples.map((_, image) => {
        const own = new Set([...imageOfText.keys()].filter((text) => imageOfText[text] === image));
        return plainRank(plain.similarity[image]!, added[image]!, own);
      });
      const toImage = imageOfText.map((image, text) => {
        const column = (scores: readonly (readonly number[])[]): number[] => scores.map((row) => row[text]!);
        return plainRank(column(plain.similarity), column(added), new Set([image]));
      });
      const { metrics } = JSON.parse(readFileSync(join(folder, by, "scores.json"), "utf8")) as ScoreSheet;
      for (const [direction, ranks] of [
        ["TR", toText],
        ["IR", toImage],
      ] as const) {
        for (const k of [1, 5, 10]) {
          const found = metrics.find(({ name }) => name === `${direction}@${k}`)?.value;
          assert.equal(found, ranks.filter((rank) => rank < k).length / ranks.length, `${direction}@${k}`);
        }
      }
    });
  }

  it("leaves a run by matching as it was: record, identity, journal and scores", () => {
    const [usual, itm] = ["usual", "itm"].map((name) => recordOf(name));
    assert.deepEqual(usual!.config.retrieval, { maxTokens: 35, rerank });
    assert.deepEqual(usual!.config.overrides, { rerank });
    assert.deepEqual([itm!.config, itm!.identity], [usual!.config, usual!.identity]);
    assert.deepEqual(journal(join(folder, "itm")), journal(join(folder, "usual")));
    const scores = (name: string): string => readFileSync(join(folder, name, "scores.json"), "utf8");
    assert.equal(scores("itm"), scores("usual"));
    assert.equal(protocolName({ ...usual!.config, overrides: {} }), "paper");
  });

  it("is in the record, and what is asked again from it ranks so, too", () => {
    for (const by of ["itg", "both"] as const) {
      const record = recordOf(by);
      assert.deepEqual(record.config.retrieval, { maxTokens: 35, rerank, rerankBy: by });
      assert.notEqual(record.identity, recordOf("itm").identity);
      const here = { output: "", cache: "", threads: 1, workers: 1, candidates: null, shard: null };
      const config = recordedConfig(record, { ...here, model: null, data: null, images: null });
      assert.deepEqual(config.overrides, { rerank, rerankBy: by });
    }
  });

  it("is told in rows, and runs that differ in it are not compared", async () => {
    assert.match(await done(folder, "score", "both"), /^shapes-itg +flickr30k-retrieval +test +custom both +TR@1 /m);
    assertFails(await inProcess(folder, "compare", "itm", "itg"), 2, /protocol: found custom itg, expected custom\n/);
    assertFails(await inProcess(folder, ...words, "--rerank-by", "itg", "--output", "both"), 2, /rerankBy/);
  });

  it("gives one journal in one process, and in shards that are merged, one of them in several processes", async () => {
    const both = [...words, "--rerank-by", "both", "--batch-size", "1", "--limit", "2"];
    await done(folder, ...both, "--output", "one");
    for (const [index, workers] of [1, 2].entries()) {
      await done(folder, ...both, "--shard", `${index}/2`, "--workers", `${workers}`, "--output", "sharded");
    }
    await done(folder, "merge", "sharded", "--quiet");
    assert.deepEqual(journal(join(folder, "sharded")), journal(join(folder, "one")));
  });

  it("is audited", async () => {
    const line = ["audit", "--model", "shapes-itg", "--tasks", "flickr30k-retrieval", "--limit", "2"];
    assert.match(await done(folder, ...line, "--rerank-by", "both"), /No sample differs\.\n$/);
  });

  it("is refused where the Q-Former has no head to write with, and where nothing is re-ranked", async () => {
    const noHead =
      "--rerank-by itg: shapes-itm: its Q-Former has no head to write with. Make one with: npx blip2-bench convert";
    for (const command of ["run", "audit"]) {
      const line = [command, "--model", "shapes-itm", "--tasks", "flickr30k-retrieval", "--rerank-by", "itg"];
      assertFails(await inProcess(folder, ...line), 2, noHead);
    }
    assertFails(
      await inProcess(folder, ...words, "--rerank", "0", "--rerank-by", "both"),
      2,
      "--rerank-by both: flickr30k-retrieval re-ranks 0 candidates. Give --rerank with more.",
    );
    assertFails(
      await inProcess(folder, ...words, "--rerank-by", "itc"),
      2,
      '--rerank-by: found "itc", expected itm, itg or both.',
    );
  });

  function recordOf(name: string) {
    return parseRunRecord(readFileSync(join(folder, name, "run.json"), "utf8"), name);
  }
});

function addedOf({ matching, likelihood }: PlainScores, by: RerankBy): readonly (readonly number[])[] {
  if (by === "itm") return matching;
  if (by === "itg") return likelihood;
  return matching.map((row, image) => row.map((logit, text) => logit + likelihood[image]![text]!));
}
