/**
 * Where images and texts are compared: both are projected into one space and set to length 1, and the similarity of an image
 * and a text is that of the query which fits the text best. BLIP-2, section 3.1, "image-text contrastive learning".
 *
 *   queries  32      hidden  768  width of the Q-Former      width  256  of the common space
 */
import { linear } from "../graph/layers.ts";
import type { RetrievalConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";

/** `weights` begins at vision_projection. query_output [images, queries, hidden] → image_embedding [images, queries, width] */
export function imageEmbedding(weights: Weights, { qFormer, imageTextHidden: width }: RetrievalConfig): Graph {
  const { queries, hidden } = qFormer;
  const g = new GraphBuilder("image-embedding");
  const output = g.input("query_output", ["images", queries, hidden]);
  const x = embedding(g, output, weights, { from: hidden, to: width }); // [rows, width]
  g.output("image_embedding", g.reshape(x, ["images", queries, width]));
  return g.finish();
}

/** A linear layer, then the Euclidean length set to 1. [..., from] → [rows, to] */
export function embedding(
  g: GraphBuilder,
  x: Value,
  w: Weights,
  size: { readonly from: number; readonly to: number },
): Value {
  return g.normalize(g.cast(linear(g, x, w, size), "float32"));
}

/**
 * image_embedding [images, queries, width], text_embedding [texts, width] → similarity [images, texts], the largest over
 * queries. Not divided by the temperature of training: ranks do not depend on it.
 */
export function similarity({ qFormer: { queries }, imageTextHidden: width }: RetrievalConfig): Graph {
  const g = new GraphBuilder("similarity");
  const image = g.input("image_embedding", ["images", queries, width]);
  const text = g.input("text_embedding", ["texts", width]);
  const products = g.gemm(g.reshape(image, ["rows", width]), text, null); // [rows, texts]
  g.output("similarity", g.max(g.reshape(products, ["images", queries, "texts"]), 1)); // [images, texts]
  return g.finish();
}
