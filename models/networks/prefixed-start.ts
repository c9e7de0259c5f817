/**
 * Rounds of a generation loop behind places that are there before it: keys and values of an image's queries, and of words
 * that all prompts begin with. A token's position is carried, and a beam's next token stands one further.
 */
import type { Value } from "../graph/graph.ts";
import { attentionOverCache, headByHead } from "../graph/layers.ts";
import type { Attend } from "../graph/layers.ts";
import type { LoopBuilder } from "../graph/loop-builder.ts";
import type { LoopDecoder } from "./generation-loop.ts";

type PrefixSize = Pick<LoopDecoder, "layers" | "heads" | "head" | "cached">;

/** `layersOf`: embeddings [batch, tokens, width] through a decoder's layers → hidden [rows, width]. */
export function prefixedStart(
  { layers, heads, head, cached }: PrefixSize,
  layersOf: (
    body: LoopBuilder,
    given: { readonly embeddings: Value; readonly positions: Value; readonly attend: Attend },
  ) => Value,
): LoopDecoder["start"] {
  return (g) => {
    const prefix = Array.from({ length: layers }, (_, layer) => ({
      keys: g.input(`prefix_keys.${layer}`, ["batch", heads, "prefix", head], cached),
      values: g.input(`prefix_values.${layer}`, ["batch", heads, "prefix", head], cached),
      axis: "prefix",
    }));
    return {
      positions: { initial: g.input("positions", ["batch", "tokens"], "int64"), shape: ["batch", "tokens"] },
      run: (body, { embeddings, mask, positions, remember }) => {
        const seen = body.reshape(mask, ["batch", 1, "tokens", "keys"]);
        const hidden = layersOf(body, {
          embeddings,
          positions,
          attend: (layer, projected) =>
            headByHead(body, projected, { batch: "batch", tokens: "tokens", heads }, (q, recent) =>
              attentionOverCache(body, q, prefix[layer]!, remember(layer, recent), seen),
            ),
        });
        return { hidden, positionsAfter: (parents) => body.add(body.take(positions, parents), body.integers([1])) };
      },
    };
  };
}
