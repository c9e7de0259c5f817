/**
 * How likely given texts are behind an image and a prompt. Image and prompt are computed once; behind their keys and values, or
 * behind what T5's encoder read, all texts are run together as a tree (candidate-tree.ts), many tokens a run.
 */
import { logProbabilitiesOf } from "./candidates.ts";
import { candidateTree } from "./candidate-tree.ts";
import type { CandidateTree, Lookups } from "./candidate-tree.ts";
import type { DecodingBatch } from "./decoding-batch.ts";
import type { GenerationStart } from "./generate.ts";
import type { LanguageModel } from "./language-model.ts";
import { PromptGroups } from "./prompt-groups.ts";
import type { GroupOptions } from "./prompt-groups.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";

/** Tokens of a question's candidates that are run together: more than fill a processor, few enough that their masks stay small. */
const tokensARun = 64;

export interface WeighedQuestion extends EncodedRequest {
  /** Token ids of each candidate, at least one. */
  readonly candidates: readonly (readonly number[])[];
}

export interface WeighingWatcher extends GroupOptions {
  /**
   * Called once for each question with the log-probabilities of its candidates, each the sum over its tokens: [candidates]; null
   * where the model's logits are not numbers.
   */
  readonly onDone: (question: number, logProbabilities: Float64Array | null) => void;
}

/** Every question, at least one, is weighed once. */
export async function weighCandidates<Seen>(
  { model, seenImages }: { readonly model: LanguageModel<Seen>; readonly seenImages: SeenImages<Seen> },
  questions: readonly WeighedQuestion[],
  { size, sharePrompt, onTime, onDone }: WeighingWatcher,
): Promise<void> {
  const groups = new PromptGroups(seenImages, questions, { size, sharePrompt, onTime });
  while (groups.waiting > 0) {
    const { group, start } = await groups.begin(size, "prefill", async (prompts, group) => ({
      group,
      start: await model.start(prompts, { beams: 1, newTokens: 1 }),
    }));
    const begun = performance.now();
    const trees = group.map((question) => candidateTree(questions[question]!.candidates, tokensARun));
    const sums = group.map((question) => new Float64Array(questions[question]!.candidates.length));
    await weigh(model.head, start, trees, sums);
    onTime("candidates", performance.now() - begun, group);
    for (const [index, question] of group.entries()) {
      const isLost = sums[index]!.some(Number.isNaN);
      onDone(question, isLost ? null : sums[index]!);
    }
    discardLost(start.batch, sums);
  }
}

/** Adds to each sum, [candidates] of each sequence, the log-probabilities of all tokens. */
async function weigh(
  head: LanguageModel<unknown>["head"],
  { batch, hidden }: GenerationStart,
  trees: readonly CandidateTree[],
  sums: readonly Float64Array[],
): Promise<void> {
  const add = async (states: Float32Array, lookups: readonly (readonly Lookups[])[]): Promise<void> => {
    const rows = lookups.flat();
    const found = await logProbabilitiesOf(
      head,
      states,
      rows.map(({ tokens }) => tokens),
    );
    let row = 0;
    for (const [sequence, own] of lookups.entries()) {
      for (const { texts } of own) {
        for (const [place, logProbability] of found[row]!.entries())
          for (const text of texts[place]!) sums[sequence]![text]! += logProbability;
        row += 1;
      }
    }
  };
  await add(
    hidden,
    trees.map(({ first }) => [first]),
  );
  const runs = Math.max(...trees.map(({ parts }) => parts.length));
  for (let run = 0; run < runs; run += 1) {
    const parts = trees.map((tree) => tree.parts[run] ?? { tokens: [], lookups: [] });
    const states = await batch.look(parts.map(({ tokens }) => tokens));
    await add(
      states,
      parts.map(({ lookups }) => lookups),
    );
  }
}

/** What is not a number must not stay where the next batch's keys and values will lie. */
function discardLost(batch: DecodingBatch, sums: readonly Float64Array[]): void {
  for (let sequence = sums.length - 1; sequence >= 0; sequence -= 1) {
    if (sums[sequence]!.some(Number.isNaN)) batch.discard(sequence);
  }
}
