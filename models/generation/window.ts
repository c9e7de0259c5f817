/**
 * Questions that are answered in batches of rows, more of them than there are rows: those with short prompts begin, so that
 * a group's prompts are about as long, and when enough rows are free the next ones join those that still decode.
 */
import type { GenerationOptions } from "../model.ts";
import { generate } from "./generate.ts";
import type { LanguageModel } from "./language-model.ts";
import { PromptGroups } from "./prompt-groups.ts";
import type { GroupOptions } from "./prompt-groups.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";
import type { Hypothesis } from "./search.ts";

export interface WindowOptions extends Pick<GroupOptions, "size" | "sharePrompt"> {
  /** Whether others join before all are done. */
  readonly refill: boolean;
}

/** Learns what it took and what came of it; a question is its index. */
export interface WindowWatcher extends Pick<GroupOptions, "onTime"> {
  /** Called during generation with the tokens that the text begins with in any case. Unset: not wanted. */
  readonly onSettled?: (question: number, tokens: readonly number[]) => void;
  readonly onDone: (question: number, hypotheses: readonly Hypothesis[]) => void;
}

/** Every question, at least one, is answered once. */
export async function answerWindow<Seen>(
  { model, seenImages }: { readonly model: LanguageModel<Seen>; readonly seenImages: SeenImages<Seen> },
  questions: readonly EncodedRequest[],
  options: GenerationOptions,
  { size, refill, sharePrompt, onTime, onSettled, onDone }: WindowOptions & WindowWatcher,
): Promise<void> {
  const groups = new PromptGroups(seenImages, questions, { size, sharePrompt, onTime });
  const { order } = groups;
  const isRefilled = refill && model.isRefilled !== false;
  const longest = { beams: options.beams, newTokens: options.newTokens.max };
  const room = { sequences: size, promptTokens: groups.longestPrompt };
  const start = await groups.begin(size, "prefill", (prompts) =>
    model.start(prompts, { ...longest, ...(questions.length > size && room) }),
  );
  await generate(model.head, start, options, model.endTokens, {
    join: async (open) => {
      const { waiting } = groups;
      const free = size - open;
      if (waiting === 0 || free < (isRefilled ? Math.min(waiting, leastFree(size)) : size)) return null;
      return groups.begin(free, "prefill", start.join);
    },
    onTime: (milliseconds, sequences) => {
      onTime(
        "decode",
        milliseconds,
        sequences.map((sequence) => order[sequence]!),
      );
    },
    ...(onSettled !== undefined && {
      onSettled: (sequence: number, tokens: readonly number[]) => {
        onSettled(order[sequence]!, tokens);
      },
    }),
    onDone: (sequence, hypotheses) => {
      onDone(order[sequence]!, hypotheses);
    },
  });
}

/** Rows that must be free before others join. */
export function leastFree(size: number): number {
  return Math.ceil(size / 4);
}
