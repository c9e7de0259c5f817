/**
 * Generation as one graph: a loop whose rounds run the decoder on new tokens, score the vocabulary and choose the next
 * tokens (search-step.ts). The first round's new tokens are the prompts, those of later rounds one of each beam.
 *
 *   embeddings ─► decoder ─► hidden states of the last tokens ─► logits ─► search ─► tokens ─┐
 *       ▲           ▲ │ keys and values so far                                               │
 *       └───────────┴─┴───────────────────── next round ◄────────────────────────────────────┘
 *
 *   batch   sequences                       keys     prefix + present: what a new token may see
 *   tokens  new ones of each in a round     prefix   places filled before the loop, the same in all rounds
 *   open    beams that go on                past     places filled in the loop; present = past + tokens
 *
 * As in the loop that JavaScript runs, all beams of a sequence are tokens of one row; a mask says which of them sees which
 * key, and a change of beams is another mask.
 */
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Weights } from "../checkpoint/weights.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { flattenRows, matrixProduct } from "../graph/layers.ts";
import type { KeysAndValues } from "../graph/layers.ts";
import { LoopBuilder } from "../graph/loop-builder.ts";
import type { Carried } from "../graph/loop-builder.ts";
import { searchStart, searchStep } from "./search-step.ts";
import type { SearchInputs } from "./search-step.ts";

/** A decoder as the loop runs it: OPT's or T5's. */
export interface LoopDecoder {
  readonly layers: number;
  readonly heads: number;
  readonly head: number;
  /** Of keys and values; what else goes from round to round is fp32. */
  readonly cached: "float32" | "float16";
  readonly width: number;
  readonly vocabulary: number;
  readonly endTokens: readonly number[];
  /** Embeddings of tokens [vocabulary, width], and where the matrix lies that scores them. */
  readonly words: TensorEntry;
  readonly output: Weights;
  /** Added to the scores: [vocabulary]; unset: nothing is. */
  readonly outputBias?: TensorEntry;
  readonly start: (g: LoopBuilder) => DecoderStart;
}

export interface DecoderStart {
  /** What the rounds carry of where tokens stand. */
  readonly positions: Carried;
  readonly run: (g: LoopBuilder, given: DecoderRound) => DecoderResult;
}

export interface DecoderRound {
  /** From 0: int64 [] */
  readonly round: Value;
  /** [batch, tokens, width] */
  readonly embeddings: Value;
  /** [batch, tokens, keys] */
  readonly mask: Value;
  readonly positions: Value;
  /** A layer's new keys and values behind those of the rounds before: [batch, heads, tokens, head] → [..., present, head] */
  readonly remember: (layer: number, recent: { readonly keys: Value; readonly values: Value }) => KeysAndValues;
}

export interface DecoderResult {
  /** [rows, width] */
  readonly hidden: Value;
  /** Positions for the next round, whose tokens follow these of this round: [batch, beams] */
  readonly positionsAfter: (parents: Value) => Value;
}

export function generationLoop(decoder: LoopDecoder): Graph {
  const { layers, heads, head, width, cached } = decoder;
  const g = new LoopBuilder("generation");
  const inputs = searchInputs(g);
  const beamMask = g.input("beam_mask", ["beams", "beams"]); // 0 on the diagonal, lowest float elsewhere
  const text = g.input("text", ["batch", 1, "text"], "int64");
  const embeddings = g.input("embeddings", ["batch", "tokens", width]);
  const mask = g.input("mask", ["batch", "tokens", "keys"]); // 0 where seen, lowest float where not
  const rows = g.input("rows", ["batch", 1], "int64"); // of each prompt's last token
  const { positions, run } = decoder.start(g);
  // One place that nothing sees stands for an empty cache: an axis of length 0 is not safe on every provider.
  const empty = g.expand(g.scalar(0, cached), ["batch", heads, 1, head]);
  const cache = Array.from({ length: 2 * layers }, () => ({ initial: empty, shape: ["batch", heads, "past", head] }));
  const named = {
    embeddings: { initial: embeddings, shape: embeddings.shape },
    mask: { initial: mask, shape: mask.shape },
    rows: { initial: rows, shape: ["batch", "open"] },
    positions,
    ...searchStart(g, text),
  };

  const last = g.loop(inputs.most, { named, listed: cache }, (body, round, { named: state, listed: past }) => {
    const present: Value[] = [];
    const { hidden, positionsAfter } = run(body, {
      round,
      embeddings: state.embeddings,
      mask: state.mask,
      positions: state.positions,
      remember: (layer, recent) => {
        const keys = body.measure(body.concat([past[2 * layer]!, recent.keys], 2, "present"));
        const values = body.concat([past[2 * layer + 1]!, recent.values], 2, "present");
        present.push(keys, values);
        return { keys, values, axis: "present" };
      },
    });
    const logits = scoreWords(body, hidden, state.rows, decoder);
    const { token, parent, ...after } = searchStep(body, {
      logits,
      round,
      state,
      inputs,
      endTokens: decoder.endTokens,
    });

    const parents = body.take(state.rows, parent); // the tokens that the beams go on from: [batch, beams]
    const own = body.expand(body.reshape(beamMask, [1, "beams", "beams"]), ["batch", "beams", "beams"]);
    return {
      goOn: body.any(body.not(after.done)),
      named: {
        ...after,
        embeddings: body.cast(body.gather(body.weight(decoder.words), token), "float32"),
        mask: body.concat([body.takeRows(state.mask, parents), own], 2, "longer"),
        rows: body.expand(inputs.beamNumbers, ["batch", "beams"]),
        positions: positionsAfter(parents),
      },
      listed: present,
    };
  });

  g.output("texts", last.named.finishedText); // [batch, beams, text and new tokens]
  g.output("scores", last.named.finishedScores); // [batch, beams]
  for (const [index, values] of last.listed.entries()) {
    g.output(`${index % 2 === 0 ? "keys" : "values"}.${Math.floor(index / 2)}`, values); // [batch, heads, present, head]
  }
  return g.finish();
}

function searchInputs(g: LoopBuilder): SearchInputs {
  const one = (name: string, type: "int64" | "float32" | "bool" = "int64"): Value => g.input(name, [1], type);
  const factors = (name: string) => ({
    multipliers: g.input(`${name}_multipliers`, ["most"]),
    divisors: g.input(`${name}_divisors`, ["most"]),
  });
  return {
    beams: one("beams"),
    isGreedy: one("is_greedy", "bool"),
    beamNumbers: g.input("beam_numbers", ["beams"], "int64"),
    candidates: one("candidates"),
    kept: one("kept"),
    least: one("least"),
    most: one("most"),
    repetitionPenalty: one("repetition_penalty", "float32"),
    finished: factors("finished"),
    hoped: factors("hoped"),
    stopsEarly: one("stops_early", "bool"),
  };
}

/** hidden [rows of tokens, width], of which `rows` [batch, open] are asked what comes next → [rows, vocabulary] */
function scoreWords(
  g: LoopBuilder,
  hidden: Value,
  rows: Value,
  { width, vocabulary, output, outputBias }: Pick<LoopDecoder, "width" | "vocabulary" | "output" | "outputBias">,
): Value {
  const last = g.takeRows(g.reshape(hidden, ["batch", "tokens", width]), rows); // [batch, open, width]
  const matrix = output.matrix("weight", [vocabulary, width]);
  return g.cast(matrixProduct(g, flattenRows(g, last, width), { matrix, bias: outputBias ?? null }), "float32");
}
