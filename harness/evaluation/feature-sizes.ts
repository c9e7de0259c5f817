/** How much disk --keep-features will take, for the note that is shown before a run begins. */
import { readableBytes } from "../catalog/readable-bytes.ts";
import type { Sample } from "../../datasets/dataset.ts";
import { describePrecision } from "../../models/checkpoint/precision.ts";
import type { RunConfig } from "./run-config.ts";
import type { Pair } from "./verbs.ts";

/** `samplesOf` gives the samples that a pair's checkpoint is asked about. */
export function describeFeatureSizes(
  pairs: readonly Pair[],
  samplesOf: (pair: Pair) => readonly Sample[],
  { cache }: Pick<RunConfig, "cache">,
): string {
  const lines = [...new Set(pairs.map(({ checkpoint }) => checkpoint))].map((checkpoint) => {
    const own = pairs.filter((pair) => pair.checkpoint === checkpoint);
    const byTask = own.map((pair) => samplesOf(pair).map(({ image }) => image.id));
    // In int8 an image's features are those of its batch: each task has its own.
    const images =
      checkpoint.precision.vision === "int8"
        ? byTask.reduce((sum, ids) => sum + new Set(ids).size, 0)
        : new Set(byTask.flat()).size;
    const bytes = checkpoint.featureBytes ?? 0;
    const precisions = pairs.some(({ checkpoint: other }) => other !== checkpoint && other.name === checkpoint.name);
    const name = precisions ? `${checkpoint.name} ${describePrecision(checkpoint.precision)}` : checkpoint.name;
    return `${name}: ${images} images x ${readableBytes(bytes)} = ${readableBytes(images * bytes)}`;
  });
  const shared = lines.length > 1 ? " Checkpoints with the same image encoder share them." : "";
  return `--keep-features: image features are kept in ${cache}.${shared}\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
