/**
 * How a retrieval task ranks, with the choices that flags replace; and what is added to the similarity of a candidate.
 *
 *   itm    matching logit: image and text are read together
 *   itg    how likely the Q-Former is to write the text about the image: the mean log-likelihood of its tokens and its end
 *   both   the sum of these two
 *
 * The mean, as a sum of log-likelihoods would favour the short ones of an image's texts.
 */
import type { FailedImage, ImageFile, ImageTextScorer, Likelihoods, Matching } from "../../../models/model.ts";
import type { TextTokens } from "../../../models/text/text-batches.ts";
import { noTextHead } from "../../../models/text/begin-of-text.ts";
import type { RerankBy } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { ProtocolName, RetrievalProtocol, RetrievalTask } from "../../../tasks/task.ts";
import type { FoundScorer } from "../../catalog/catalog.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { Overrides } from "../run-config.ts";

export interface Ranking extends RetrievalProtocol {
  readonly rerankBy: RerankBy;
}

/** Throws a UsageError for `rerankBy` where nothing is re-ranked. */
export function rankingOf(
  task: RetrievalTask,
  name: ProtocolName,
  overrides: Pick<Overrides, "rerank" | "rerankBy">,
): Ranking {
  const protocol = task.protocols[name];
  const { rerank = protocol.rerank, rerankBy = "itm" } = overrides;
  if (rerank === 0 && rerankBy !== "itm") {
    throw new UsageError(`--rerank-by ${rerankBy}: ${task.name} re-ranks 0 candidates. Give --rerank with more.`);
  }
  return { ...protocol, rerank, rerankBy };
}

/** Throws a UsageError, before anything is loaded, where likelihoods are asked of a Q-Former that does not write. */
export function refuseWithoutTextHead(
  { name, writer }: Pick<FoundScorer, "name" | "writer">,
  { rerankBy }: Pick<Ranking, "rerankBy">,
): void {
  if (rerankBy === "itm" || writer !== undefined) return;
  throw new UsageError(`--rerank-by ${rerankBy}: ${noTextHead(name).message}`);
}

/** `logits`: what re-ranking adds to each text's similarity, a matching logit or what stands in its place. */
export type MatchedCandidates = Omit<Matching, "probabilities">;

/** Reads an image with texts, which may be none. */
export async function matchTexts(
  scorer: ImageTextScorer,
  {
    image,
    texts,
    rerankBy,
  }: { readonly image: ImageFile; readonly texts: readonly TextTokens[] } & Pick<Ranking, "rerankBy">,
): Promise<MatchedCandidates | FailedImage> {
  if (texts.length === 0) return { status: "matched", logits: new Float32Array(0), latencyMs: {} };
  if (rerankBy === "itm") return await scorer.match(image, texts);
  const weighed = await scorer.weighTexts(image, texts);
  if (weighed.status === "failed") return weighed;
  const likelihoods = meansOf(weighed);
  if (rerankBy === "itg") return { status: "matched", logits: likelihoods, latencyMs: weighed.latencyMs };
  const matched = await scorer.match(image, texts);
  if (matched.status === "failed") return matched;
  const latencyMs: Record<string, number> = { ...weighed.latencyMs };
  for (const [stage, ms] of Object.entries(matched.latencyMs)) latencyMs[stage] = (latencyMs[stage] ?? 0) + ms;
  return {
    status: "matched",
    logits: matched.logits.map((logit, text) => logit + likelihoods[text]!),
    latencyMs,
  };
}

function meansOf({ logLikelihoods, tokens }: Likelihoods): Float32Array {
  return logLikelihoods.map((sum, text) => sum / tokens[text]!);
}
