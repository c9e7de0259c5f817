/**
 * How likely texts are after an image, by the Q-Former's head for text: the loss of image-grounded text generation (ITG),
 * word by word. BLIP-2, section 3.1; LAVIS blip2_qformer.py:236-256, without its label smoothing, which is for training.
 *
 *   [DEC] w1 … wn ─► q-former-writer.ts ─► logits ─► log softmax ─► of each next word, w1 … wn [SEP]
 *            ▲ the queries' keys and values, computed once an image
 *
 *   pairs    texts, all with one image     words   14   tokens of a text, [DEC] and [SEP] included, filled up
 *   queries  32                            all     46   queries and words
 *   hidden   768                           heads   12   of 64 each
 */
import { attention, mergeHeads, matrixProduct, splitHeads } from "../graph/layers.ts";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { keyWidth, TEXT_HEAD_PATH, writerLayers } from "./q-former-writer.ts";

/**
 * `weights` is the whole checkpoint's. tokens and positions [pairs, words]; next [rows], for each word the place of the word
 * behind it among all logits: row · vocabulary + token; mask [1, words, all], 0 where a word sees a query or a word; soft_prompt
 * [1, queries, 2 · layers · hidden] of writerKeys → log_likelihood [rows], natural logarithms
 */
export function qFormerLikelihood(weights: Weights, config: QFormerConfig): Graph {
  const { queries, hidden, heads, vocabulary } = config;
  const g = new GraphBuilder("q-former-likelihood");
  const tokens = g.input("tokens", ["pairs", "words"], "int64");
  const positions = g.input("positions", ["pairs", "words"], "int64");
  const next = g.input("next", ["rows"], "int64");
  const mask = g.input("mask", [1, "words", "all"]);
  const seen = g.input("soft_prompt", [1, queries, keyWidth(config)]);

  const ofQueries = (part: number, like: Value): Value => {
    const own = g.reshape(g.slice(seen, 2, part * hidden, (part + 1) * hidden, hidden), [queries, hidden]);
    const split = splitHeads(g, g.cast(own, like.type), { batch: 1, tokens: queries, heads });
    return g.expand(split, ["pairs", heads, queries, hidden / heads]);
  };
  const words = { batch: "pairs", tokens: "words", heads };
  const withQueries = (part: number, projected: Value): Value =>
    g.concat([ofQueries(part, projected), splitHeads(g, projected, words)], 2, "all"); // [pairs, heads, all, head]

  const embeddings = g.gather(
    g.weight(weights.tensor("embeddings.word_embeddings.weight", [vocabulary, hidden])),
    tokens,
  );
  const output = writerLayers(g, weights, config, {
    embeddings,
    positions,
    attend: (layer, { q, keys, values }) => {
      const k = withQueries(2 * layer, keys);
      const v = withQueries(2 * layer + 1, values);
      return mergeHeads(g, attention(g, splitHeads(g, q, words), k, v, mask));
    },
  }); // [rows, hidden]

  const matrix = weights.at("embeddings.word_embeddings").matrix("weight", [vocabulary, hidden]);
  const bias = weights.tensor(`${TEXT_HEAD_PATH}.decoder.bias`, [vocabulary]);
  const logits = g.cast(matrixProduct(g, output, { matrix, bias }), "float32");
  g.output("log_likelihood", g.gather(g.reshape(g.logSoftmax(logits), ["logits"]), next));
  return g.finish();
}
