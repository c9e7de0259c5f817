/**
 * Generation in one run of one graph (networks/generation-loop.ts): what goes in is made of prompts and decoding options,
 * what comes out is every sequence's hypotheses. Chooses the same tokens as the loop of generate.ts, which is its oracle.
 */
import { CheckpointError } from "../model.ts";
import type { DecodingOptions } from "../model.ts";
import { Tensor } from "../onnxruntime.ts";
import { float32Tensor, floats, int64Tensor, integers } from "../runtime.ts";
import type { Feeds, Session } from "../runtime.ts";
import { MASKED } from "./mask.ts";
import type { Hypothesis } from "./search.ts";

/** What a batch of sequences begins with, as the graph takes it; a decoder's own inputs besides. */
export interface LoopStart {
  /** embeddings, mask, rows, and those of the decoder. */
  readonly feeds: Feeds;
  /** The tokens before the first new one that a repetition penalty counts, for each sequence. */
  readonly texts: readonly (readonly number[])[];
}

export interface LoopModel {
  readonly name: string;
  readonly vocabulary: number;
  readonly endTokens: readonly number[];
  readonly session: Session;
}

/** A language model's loop, with its decoder's weights. */
export class GenerationGraph {
  readonly #model: LoopModel;

  constructor(model: LoopModel) {
    this.#model = model;
  }

  /** The hypotheses of each sequence, best first. */
  async generate(start: LoopStart, options: DecodingOptions): Promise<readonly (readonly Hypothesis[])[]> {
    const { session, vocabulary, endTokens } = this.#model;
    const { width, text } = textFeed(start.texts, vocabulary, options);
    const feeds = { ...start.feeds, text, ...searchFeeds(options, this.#model) };
    const { texts, scores } = await session.run(feeds, ["texts", "scores"]);
    return hypothesesOf(texts, scores, { width, endTokens, isGreedy: options.beams === 1 });
  }

  /** Keys and values of what a batch begins with, after one round: by name, [sequences, heads, 1 + tokens, head]. */
  async remember<Name extends string>(
    start: LoopStart,
    names: readonly Name[],
  ): Promise<Readonly<Record<Name, Tensor>>> {
    const { session, vocabulary } = this.#model;
    const { text } = textFeed(start.texts, vocabulary, oneRound);
    return session.run({ ...start.feeds, text, ...searchFeeds(oneRound, this.#model) }, names);
  }

  async release(): Promise<void> {
    await this.#model.session.release();
  }
}

const oneRound: DecodingOptions = {
  beams: 1,
  newTokens: { min: 0, max: 1 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
};

/** Decoding options as inputs of the graph. */
function searchFeeds(options: DecodingOptions, { name, vocabulary, endTokens }: LoopModel): Feeds {
  const { beams, newTokens, repetitionPenalty, earlyStopping } = options;
  const kept = Math.max(2, 1 + endTokens.length) * beams;
  if (kept > vocabulary) {
    throw new CheckpointError(
      `${name}: --beams ${beams} looks at ${kept} tokens a step, and the vocabulary has ${vocabulary}. ` +
        "Use --generation stepwise, or fewer beams.",
    );
  }
  const one = (number: number): Tensor => int64Tensor([number], [1]);
  const lengths = Array.from({ length: newTokens.max }, (_, index) => index + 1);
  const hoped = earlyStopping === "never" && options.lengthPenalty > 0 ? lengths.map(() => newTokens.max) : lengths;
  const numbers = Array.from({ length: beams }, (_, beam) => beam);
  const mask = numbers.flatMap((row) => numbers.map((column) => (row === column ? 0 : MASKED)));
  return {
    beams: one(beams),
    is_greedy: flag(beams === 1),
    beam_numbers: int64Tensor(numbers, [beams]),
    beam_mask: float32Tensor(Float32Array.from(mask), [beams, beams]),
    candidates: one(Math.min(kept + endTokens.length, vocabulary)), // more, because end tokens may be forbidden
    kept: one(kept),
    least: one(newTokens.min),
    most: one(newTokens.max),
    repetition_penalty: float32Tensor(Float32Array.of(repetitionPenalty), [1]),
    ...scoreFactors("finished", lengths, options.lengthPenalty),
    ...scoreFactors("hoped", hoped, options.lengthPenalty),
    stops_early: flag(earlyStopping === true),
  };
}

function flag(value: boolean): Tensor {
  return new Tensor("bool", Uint8Array.of(value ? 1 : 0), [1]);
}

/** 1 / length ^ penalty as a factor and a divisor, one of which is 1: so whole powers stay exact in single precision. */
function scoreFactors(name: string, lengths: readonly number[], penalty: number): Feeds {
  const powers = Float32Array.from(lengths, (length) => length ** Math.abs(penalty));
  const ones = new Float32Array(lengths.length).fill(1);
  const shape = [lengths.length];
  return {
    [`${name}_multipliers`]: float32Tensor(penalty < 0 ? powers : ones, shape),
    [`${name}_divisors`]: float32Tensor(penalty < 0 ? ones : powers, shape),
  };
}

/**
 * What a repetition penalty counts, filled up on the left with a token that is there anyway: [sequences, 1, width]. Tokens
 * that the vocabulary has no logits for, as an image's may be, cannot be repeated.
 */
function textFeed(
  texts: readonly (readonly number[])[],
  vocabulary: number,
  { repetitionPenalty }: DecodingOptions,
): { readonly width: number; readonly text: Tensor } {
  const counted = texts.map((text) => {
    const known = text.filter((token) => token < vocabulary);
    return repetitionPenalty === 1 || known.length === 0 ? known.slice(-1) : known;
  });
  const width = Math.max(1, ...counted.map((text) => text.length));
  const rows = counted.flatMap((text) => [...new Array<number>(width - text.length).fill(text[0] ?? 0), ...text]);
  return { width, text: int64Tensor(rows, [texts.length, 1, width]) };
}

/** `width`: of the texts before the first new token. A sequence whose logits are not numbers has no hypothesis. */
function hypothesesOf(
  texts: Tensor,
  scores: Tensor,
  given: { readonly width: number; readonly endTokens: readonly number[]; readonly isGreedy: boolean },
): readonly (readonly Hypothesis[])[] {
  const [batch = 0, beams = 0, length = 0] = texts.dims;
  const tokens = integers(texts);
  const finished = floats(scores);
  const hypothesis = (row: number): Hypothesis => {
    const written = tokens.slice(row * length + given.width, (row + 1) * length);
    const end = written.findIndex((token) => given.endTokens.includes(token));
    const score = given.isGreedy ? null : finished[row]!;
    return { tokens: end === -1 ? written : written.slice(0, end + 1), score };
  };
  return Array.from({ length: batch }, (_, sequence) => {
    const rows = Array.from({ length: beams }, (_, beam) => sequence * beams + beam);
    if (rows.some((row) => Number.isNaN(finished[row]!))) return [];
    return rows.filter((row) => finished[row] !== MASKED).map(hypothesis);
  });
}
