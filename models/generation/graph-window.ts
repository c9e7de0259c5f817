/**
 * Questions that are answered by a graph with its own loop, more of them than it takes at a time: in groups of prompts of
 * about the same length. Nobody joins a group, and its answers come together.
 */
import type { DecodingOptions } from "../model.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";
import { PromptGroups } from "./prompt-groups.ts";
import type { WindowOptions, WindowWatcher } from "./window.ts";

/** Every question, at least one, is answered once. */
export async function answerGroups<Seen>(
  { model, seenImages }: { readonly model: GraphLanguageModel<Seen>; readonly seenImages: SeenImages<Seen> },
  questions: readonly EncodedRequest[],
  options: DecodingOptions,
  { size, sharePrompt, onTime, onDone }: WindowOptions & WindowWatcher,
): Promise<void> {
  const groups = new PromptGroups(seenImages, questions, { size, sharePrompt, onTime });
  while (groups.waiting > 0) {
    const { group, hypotheses } = await groups.begin(size, "generation", async (prompts, group) => ({
      group,
      hypotheses: await model.answer(prompts, options),
    }));
    for (const [index, question] of group.entries()) onDone(question, hypotheses[index]!);
  }
}
