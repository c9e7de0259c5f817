/** Whether a checkpoint that was named for an image of the user's own can do what is asked, before any is loaded. */
import { noTextHead } from "../../models/text/begin-of-text.ts";
import type { FoundGenerator, FoundScorer } from "../catalog/catalog.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { generatorOf } from "../evaluation/checkpoints.ts";
import type { CheckpointInPrecision, InPrecision } from "../evaluation/checkpoints.ts";

export type NamedGenerator = FoundGenerator & InPrecision;
export type NamedScorer = FoundScorer & InPrecision;

/** For captions. Throws a UsageError where it generates no text. */
export function generator(model: CheckpointInPrecision): NamedGenerator {
  const found = generatorOf(model);
  if (found !== null) return found;
  throw new UsageError(`--model ${model.name}: it matches images and texts, and generates none. See match.`);
}

/** For answers and conversations. Throws a UsageError where it generates no text, or captions only. */
export function answerer(model: CheckpointInPrecision): NamedGenerator {
  const found = generator(model);
  if (found.family !== "itg") return found;
  throw new UsageError(`--model ${model.name}: its Q-Former writes captions, and answers no questions. See caption.`);
}

/**
 * For texts that are matched with an image. Throws a UsageError where it matches none, or where likelihoods are asked of a Q-Former
 * that does not write.
 */
export function scorer(model: CheckpointInPrecision, { likelihood }: { readonly likelihood: boolean }): NamedScorer {
  if (model.kind === "retrieval") {
    if (!likelihood || model.writer !== undefined) return model;
    throw new UsageError(`--likelihood: ${noTextHead(model.name).message}`);
  }
  throw new UsageError(`--model ${model.name}: it generates text, and matches none. See caption and ask.`);
}
