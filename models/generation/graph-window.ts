/**
 * Questions that are answered by a graph with its own loop, more of them than it takes at a time: in groups of prompts of
 * about the same length. Nobody joins a group, and its answers come together.
 */
import type { DecodingOptions } from "../model.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";
import { commonBeginning } from "./window.ts";
import type { WindowOptions, WindowWatcher } from "./window.ts";

/** Every question, at least one, is answered once. */
export async function answerGroups<Seen>(
  { model, seenImages }: { readonly model: GraphLanguageModel<Seen>; readonly seenImages: SeenImages<Seen> },
  questions: readonly EncodedRequest[],
  options: DecodingOptions,
  { size, sharePrompt, onTime, onDone }: WindowOptions & WindowWatcher,
): Promise<void> {
  const order = [...questions.keys()].sort((a, b) => questions[a]!.tokens.length - questions[b]!.tokens.length);
  seenImages.open(sharePrompt ? commonBeginning(questions.map(({ tokens }) => tokens)) : []);
  for (let begun = 0; begun < order.length; begun += size) {
    const group = order.slice(begun, begun + size);
    const waiting = order.slice(begun);
    const start = performance.now();
    const shown = await seenImages.show(
      waiting.map((question) => questions[question]!),
      { needed: group.length, most: size },
    );
    const middle = performance.now();
    onTime(
      "prefix",
      middle - start,
      shown.map((index) => waiting[index]!),
    );
    const prompts = group.map((index) => ({
      seen: seenImages.of(questions[index]!),
      tokens: questions[index]!.tokens,
    }));
    const hypotheses = await model.answer(prompts, options);
    onTime("generation", performance.now() - middle, group);
    // The next window often goes on with the image of the last question.
    const needed = [...order.slice(begun + size), questions.length - 1];
    seenImages.keep(new Set(needed.map((index) => questions[index]!.image)));
    for (const [index, question] of group.entries()) onDone(question, hypotheses[index]!);
  }
}
