/**
 * Answers that are chosen, not generated: of each sample's candidates the one that the model finds the most likely behind image
 * and prompt. Candidates are the sample's choices, or one list for all samples.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type {
  CandidatesRequest,
  FailedGeneration,
  Generation,
  GenerationRequest,
  VisionLanguageModel,
  WeighedCandidates,
  WeighingBatching,
} from "../../../models/model.ts";
import { CheckpointError } from "../../../models/model.ts";
import type { RankedCandidates } from "../../../reports/records/run-record.ts";
import { normalised } from "../../../tasks/choices.ts";
import type { LengthNorm } from "../../../tasks/choices.ts";

/** How a run chooses answers. */
export interface Ranking<S> {
  /** In the order in which ties are broken: of equally likely ones the first is chosen. */
  readonly candidates: (sample: S) => readonly string[];
  /** What a candidate's log-probability is divided by before candidates are compared. */
  readonly lengthNorm: LengthNorm;
  /** Candidates that are recorded, the best; all where there are no more. */
  readonly recorded: number;
}

/** As a generated answer: `score` is what it was chosen by. */
export interface RankedAnswer extends Generation {
  readonly candidates: RankedCandidates;
}

/** An answer for each request, in their order. Throws a CheckpointError where the model cannot weigh. */
export async function rankAnswers<S extends Sample>(
  model: Pick<VisionLanguageModel, "name" | "weigh">,
  asked: readonly { readonly request: GenerationRequest; readonly sample: S }[],
  { ranking, batching }: { readonly ranking: Ranking<S>; readonly batching: WeighingBatching },
): Promise<readonly (RankedAnswer | FailedGeneration)[]> {
  if (model.weigh === undefined) {
    throw new CheckpointError(`${model.name}: cannot tell how likely given answers are. Leave --answers ranked out.`);
  }
  const requests = asked.map(({ request, sample }): CandidatesRequest => ({
    ...request,
    candidates: ranking.candidates(sample),
  }));
  const { size, sharePrompt, shareImages } = batching;
  const weighed = await model.weigh(requests, {
    size,
    sharePrompt,
    ...(shareImages !== undefined && { shareImages }),
  });
  return weighed.map((each, index) =>
    each.status === "failed" ? each : chosen(each, requests[index]!.candidates, ranking),
  );
}

function chosen<S>(
  { logProbabilities, tokens, latencyMs }: WeighedCandidates,
  candidates: readonly string[],
  { lengthNorm, recorded }: Pick<Ranking<S>, "lengthNorm" | "recorded">,
): RankedAnswer {
  const likelihoods = candidates.map((text, index) => {
    const [logProbability, count] = [logProbabilities[index]!, tokens[index]!.length];
    return { index, text, logProbability, tokens: count };
  });
  const scores = likelihoods.map((each) => normalised(each, lengthNorm));
  const order = [...likelihoods.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  const best = order[0]!;
  return {
    status: "predicted",
    text: candidates[best]!,
    tokens: tokens[best]!,
    score: scores[best]!,
    latencyMs,
    candidates: { count: candidates.length, best: order.slice(0, recorded).map((index) => likelihoods[index]!) },
  };
}
