/**
 * A decoder's graph over what its sequences have in a cache: `places`, where keys and values lie place by place and a run
 * gives the new ones only, or `joined`, to stay on a device, sequence by sequence, those before and the new ones together.
 *
 *   batch  sequences      tokens  new ones, of each      past  places in the cache      keys  past + tokens
 */
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { attentionOverJoined, attentionOverPlaces, headByHead } from "../graph/layers.ts";
import type { Attend } from "../graph/layers.ts";
import { pastInputs } from "./cache-rows.ts";
import type { CacheLayout, RowSize } from "./cache-rows.ts";

interface DecoderSize extends RowSize {
  readonly layers: number;
  /** Of embeddings and hidden states. */
  readonly width: number;
}

/**
 * `layersOf`: embeddings [batch, tokens, width], or [tokens, batch, width] with positions that lie so, too, through the
 * decoder's layers → [rows, width].
 */
export function cachedDecoder(
  cache: CacheLayout,
  { width, ...size }: DecoderSize,
  layersOf: (
    g: GraphBuilder,
    given: { readonly embeddings: Value; readonly positions: Value; readonly attend: Attend },
  ) => Value,
): Graph {
  const { heads } = size;
  const g = new GraphBuilder("decoder");
  const embeddings = g.input("embeddings", ["batch", "tokens", width]);
  const positions = g.input("positions", ["batch", "tokens"], "int64"); // from 0
  const mask = g.input("mask", ["batch", 1, "tokens", "keys"]); // 0 where seen, lowest float where not
  const past = pastInputs(g, cache, size);
  if (cache === "places") {
    const x = layersOf(g, {
      embeddings: g.transpose(embeddings, [1, 0, 2]), // [tokens, batch, width]
      positions: g.transpose(positions, [1, 0]),
      attend: (layer, projected) => attentionOverPlaces(g, projected, past[layer]!, { mask, layer }),
    });
    g.output("hidden", g.transpose(g.reshape(x, ["tokens", "batch", width]), [1, 0, 2]));
    return g.finish();
  }
  const x = layersOf(g, {
    embeddings,
    positions,
    attend: (layer, projected) =>
      headByHead(g, projected, { batch: "batch", tokens: "tokens", heads }, (q, recent) =>
        attentionOverJoined(g, q, past[layer]!, { ...recent, axis: "tokens" }, { mask, layer }),
      ),
  });
  g.output("hidden", g.reshape(x, ["batch", "tokens", width]));
  return g.finish();
}
