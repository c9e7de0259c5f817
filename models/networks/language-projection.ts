/**
 * The one linear layer between the Q-Former and the language model. BLIP-2, section 3.2 and figure 3.
 *
 *   queries  32                hidden  768  width of the Q-Former      width  2560  of the language model's embeddings
 */
import { linear } from "../graph/layers.ts";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";

/** `weights` begins at language_projection. query_output [batch, queries, hidden] → soft_prompt [batch, queries, width] */
export function languageProjection(weights: Weights, { queries, hidden }: QFormerConfig, width: number): Graph {
  const g = new GraphBuilder("projection");
  const output = g.input("query_output", ["batch", queries, hidden]);
  const x = linear(g, output, weights, { from: hidden, to: width });
  g.output("soft_prompt", g.reshape(g.cast(x, "float32"), ["batch", queries, width]));
  return g.finish();
}
