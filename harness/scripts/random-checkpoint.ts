/**
 * Writes a checkpoint with random weights and the exact tensor names, shapes and shards of a published one, for measuring:
 *
 *   npm run random-checkpoint -- --shape opt-2.7b --folder scratch/opt-2.7b
 *
 * The shapes are in models/checkpoint/random-shapes.ts; opt-2.7b is Salesforce/blip2-opt-2.7b, 15 GB of fp32. The
 * tokenizer is copied from a bundled checkpoint. A folder that holds a checkpoint already is left as it is.
 */
import { generationShapes, retrievalShapes } from "../../models/checkpoint/random-shapes.ts";
import { unknownName, UsageError } from "../catalog/usage-error.ts";
import { print, provideCheckpoint, readFlags, round, runBenchmark } from "./bench-report.ts";

await runBenchmark(async () => {
  const flags = readFlags("random-checkpoint", { shape: "base", folder: "" }, process.argv.slice(2));
  const [name, folder] = [flags.text("shape"), flags.text("folder")];
  const shapes = new Map(Object.entries({ ...generationShapes, ...retrievalShapes }));
  const shape = shapes.get(name);
  if (shape === undefined) throw unknownName(`--shape ${name}`, "shape", { name, names: [...shapes.keys()] });
  if (folder === "") throw new UsageError("random-checkpoint: found no --folder, expected where to write it.");
  const start = performance.now();
  await provideCheckpoint(folder, shape);
  print({ shape: name, folder, seconds: round((performance.now() - start) / 1000) });
});
