/** How weights are spread over files: as `save_pretrained(max_shard_size=…)` of transformers 5.12.1 does, one behind the other. */

/** The one file of weights, and the list of several. */
export const SINGLE_WEIGHTS = "model.safetensors";
export const WEIGHT_INDEX = "model.safetensors.index.json";

/** In order; each shard has at most `mostBytes`, or is one tensor that has more. */
export function intoShards<Tensor>(
  tensors: readonly Tensor[],
  bytesOf: (tensor: Tensor) => number,
  mostBytes: number,
): readonly (readonly Tensor[])[] {
  const shards: Tensor[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const own = bytesOf(tensor);
    const last = shards.at(-1);
    if (last === undefined || own > room) {
      shards.push([tensor]);
      room = mostBytes - own;
    } else {
      last.push(tensor);
      room -= own;
    }
  }
  return shards;
}

/** `number`: from 1. */
export function shardName(number: number, count: number): string {
  if (count === 1) return SINGLE_WEIGHTS;
  const five = (integer: number): string => String(integer).padStart(5, "0");
  return `model-${five(number)}-of-${five(count)}.safetensors`;
}

/** `files`: the file of each tensor, by its name. */
export function indexJson(files: ReadonlyMap<string, string>, totalBytes: number): object {
  return { metadata: { total_size: totalBytes }, weight_map: Object.fromEntries(files) };
}
