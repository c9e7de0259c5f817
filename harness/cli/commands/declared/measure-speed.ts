/** Declares the commands that measure how fast a model answers. */
import { declareCommand } from "../../declared-command.ts";
import { benchOptions } from "../../options/load.ts";
import type { Values } from "../../options/option.ts";

export type BenchValues = Values<typeof benchOptions>;

export const bench = declareCommand({
  name: "bench",
  group: "Measure speed",
  summary: "measure latency and throughput by LoadGen's scenarios; goes on with a sweep that was stopped",
  words: "",
  options: benchOptions,
  examples: [
    "bench --model shapes-opt-base --quick",
    "bench --model path/to/blip2-opt-2.7b --scenarios server --target-qps 2 --output bench/opt",
  ],
  work: async () => (await import("../bench.ts")).bench,
});
