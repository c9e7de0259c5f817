/**
 * Samples of a retrieval task: each is an image that is looked up among all texts of the split, as a search serves it. The
 * texts are read once, before the first query, as a search engine's index is; a query embeds its image, compares it with all
 * of them and matches it with the most similar. Its answer is the ids of the best, the best first: `17 4=9 30`; `=` joins those
 * that score alike.
 */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import type { BenchAccuracy } from "../../../reports/records/bench/bench-run.ts";
import { retrievalScoreNames, usualRetrievalMetrics } from "../../../tasks/metrics/recall.ts";
import { clusteredStandardError } from "../../../tasks/metrics/standard-error.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import type { Ranking } from "../../evaluation/retrieval/ranking.ts";
import { imagesToSend } from "../../processes/image-to-send.ts";
import { SearchProcess } from "./search-process.ts";
import { ownImages } from "./subject.ts";
import type { AskBatch, BatchAnswer, SampleTexts, Subject } from "./subject.ts";

export interface RetrievalSubject {
  readonly opened: Pick<OpenedSplit<RetrievalSample>, "samples">;
  readonly protocol: Ranking;
}

/** Texts that an answer names: recall at 10 is the last that is published. */
const shown = 10;

export function retrievalSubject({ opened, protocol }: RetrievalSubject): Subject {
  const { samples } = opened;
  const texts = samples.flatMap((sample) => sample.texts);
  return {
    start: async (place, options) => {
      const process = await SearchProcess.start(place, options);
      try {
        const written = texts.map(({ text }) => protocol.text(text));
        const { maxTokens, rerank, rerankBy } = protocol;
        const { stamps } = await process.call("readGallery", [written, { maxTokens }]);
        const galleryMs = Number(stamps.finishedNs - stamps.startedNs) / 1e6;
        const ids = texts.map(({ id }) => id);
        return { process, ask: askToRank(process, { samples, ids, rerank, rerankBy }), galleryMs };
      } catch (error) {
        await process.kill();
        throw error;
      }
    },
    score: (outputs) => scored(samples, outputs),
  };
}

function askToRank(
  search: SearchProcess,
  {
    samples,
    ids,
    ...ranking
  }: { readonly samples: readonly RetrievalSample[]; readonly ids: readonly string[] } & Pick<
    Ranking,
    "rerank" | "rerankBy"
  >,
): AskBatch {
  const own = ownImages();
  return async (indices) => {
    const images = await imagesToSend(indices.map((index) => own(samples[index]!.image)));
    const { value, stamps } = await search.call("rankTexts", [images, { ...ranking, shown }]);
    const answers = indices.map((_, place): BatchAnswer => {
      const ranked = value[place];
      if (ranked?.status !== "ranked") {
        return { text: null, error: ranked?.error ?? "no answer", tokens: 0, stagesMs: {} };
      }
      const text = ranked.texts.map((alike) => alike.map((position) => ids[position]!).join("=")).join(" ");
      return { text, tokens: 0, pairs: ranked.pairs, stagesMs: ranked.latencyMs };
    });
    return { answers, stamps };
  };
}

/** TR@1: the share of images whose best text is their own; a wrong text that scores alike comes before it, as in `run`. */
function scored(samples: readonly RetrievalSample[], outputs: SampleTexts): BenchAccuracy["accuracy"] {
  const answered = outputs.flatMap(([index, text]) => (text === null ? [] : [{ sample: samples[index]!, text }]));
  if (answered.length === 0) return null;
  const found = answered.map(({ sample, text }): number => {
    const own = new Set(sample.texts.map(({ id }) => id));
    const [best = ""] = text.split(" ");
    return best.split("=").every((id) => own.has(id)) ? 1 : 0;
  });
  return {
    metric: retrievalScoreNames(usualRetrievalMetrics)[0]!,
    value: found.reduce((sum, each) => sum + each, 0) / found.length,
    standardError: clusteredStandardError(
      found,
      answered.map(({ sample }) => sample.image.id),
    ),
    samples: found.length,
  };
}
