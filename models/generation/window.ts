/**
 * Questions that are answered in batches of rows, more of them than there are rows: those with short prompts begin, so that
 * a group's prompts are about as long, and when enough rows are free the next ones join those that still decode.
 */
import type { GenerationOptions } from "../model.ts";
import { generate } from "./generate.ts";
import type { LanguageModel, Prompt } from "./language-model.ts";
import { commonLength } from "./seen-images.ts";
import type { EncodedRequest, SeenImages } from "./seen-images.ts";
import type { Hypothesis } from "./search.ts";

export interface WindowOptions {
  /** Questions at a time. */
  readonly size: number;
  /** Whether others join before all are done. */
  readonly refill: boolean;
  /** Whether the words that all prompts begin with are run once an image. */
  readonly sharePrompt: boolean;
}

/** Learns what it took and what came of it; a question is its index. */
export interface WindowWatcher {
  readonly onTime: (stage: string, milliseconds: number, questions: readonly number[]) => void;
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
  const order = [...questions.keys()].sort((a, b) => questions[a]!.tokens.length - questions[b]!.tokens.length);
  seenImages.open(sharePrompt ? commonBeginning(questions.map(({ tokens }) => tokens)) : []);
  const isRefilled = refill && model.isRefilled !== false;
  let begun = 0;
  const begin = async <T>(count: number, run: (prompts: readonly Prompt<Seen>[]) => Promise<T>): Promise<T> => {
    const group = order.slice(begun, begun + count);
    const waiting = order.slice(begun).map((question) => questions[question]!);
    const start = performance.now();
    const shown = await seenImages.show(waiting, { needed: group.length, most: size });
    const prompts = group.map((question) => questions[question]!).map(promptOf);
    const middle = performance.now();
    const answer = await run(prompts);
    onTime(
      "prefix",
      middle - start,
      shown.map((index) => order[begun + index]!),
    );
    onTime("prefill", performance.now() - middle, group);
    begun += group.length;
    // The next window often goes on with the image of the last question.
    seenImages.keep(new Set([...order.slice(begun), questions.length - 1].map((index) => questions[index]!.image)));
    return answer;
  };
  const promptOf = (question: EncodedRequest): Prompt<Seen> => ({
    seen: seenImages.of(question),
    tokens: question.tokens,
    ...(question.conversation !== undefined && {
      onSeen: (seen: Seen) => {
        seenImages.keepPrompt(question, seen);
      },
    }),
  });

  const longest = { beams: options.beams, newTokens: options.newTokens.max };
  const room = { sequences: size, promptTokens: questions[order.at(-1)!]!.tokens.length };
  const start = await begin(size, (prompts) =>
    model.start(prompts, { ...longest, ...(questions.length > size && room) }),
  );
  await generate(model.head, start, options, model.endTokens, {
    join: async (open) => {
      const waiting = questions.length - begun;
      const free = size - open;
      if (waiting === 0 || free < (isRefilled ? Math.min(waiting, leastFree(size)) : size)) return null;
      return begin(free, start.join);
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

/** The tokens that all begin with; of each text at least one is left. */
export function commonBeginning(texts: readonly (readonly number[])[]): readonly number[] {
  const most = Math.min(...texts.map(({ length }) => length - 1));
  return (texts[0] ?? []).slice(0, Math.max(0, Math.min(most, commonLength(texts))));
}
