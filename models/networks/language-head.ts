/**
 * What a language model's last hidden state says about the next token: logits over the vocabulary, and the best few
 * already ranked, so that a search over tokens need not carry the whole vocabulary out of the graph.
 *
 *   rows  one a sequence or beam      width  of the hidden state      k  candidates a row, given when the graph runs
 */
import type { TensorEntry } from "../checkpoint/safetensors.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { matrixProduct } from "../graph/layers.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";

/**
 * `table` is where the [vocabulary, width] matrix lies: a matrix of its own, or the embeddings where the two are tied. `bias`
 * [vocabulary]: of the Q-Former's own head.
 */
export function languageHead(
  table: Weights,
  size: { readonly vocabulary: number; readonly width: number },
  bias: TensorEntry | null = null,
): Graph {
  const g = new GraphBuilder("head");
  const hidden = g.input("hidden", ["rows", size.width]);
  const k = g.input("k", [1], "int64");
  const matrix = table.matrix("weight", [size.vocabulary, size.width]);
  const logits = g.cast(matrixProduct(g, hidden, { matrix, bias }), "float32");
  const top = g.topK(g.logSoftmax(logits), k);

  g.output("logits", logits); // [rows, vocabulary]
  g.output("top_log_probabilities", top.values); // [rows, k], best first
  g.output("top_tokens", top.indices); // [rows, k]
  return g.finish();
}
