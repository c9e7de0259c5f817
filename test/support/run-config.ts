/** RunConfig from flags as they would be typed, by the options of `run`. */
import { bundledModels } from "../../harness/catalog/catalog.ts";
import { runConfigOf, runOptions } from "../../harness/cli/options/run.ts";
import { longNameOf, readOptions } from "../../harness/cli/options/option.ts";
import type { Given } from "../../harness/cli/options/option.ts";
import type { RunConfig } from "../../harness/evaluation/run-config.ts";

export type RunFlags = Readonly<Partial<Record<keyof typeof runOptions, string | readonly string[] | boolean>>>;

export interface RunDefaults {
  readonly models: readonly string[];
  readonly tasks: readonly string[];
  readonly output: string;
  readonly threads: number;
  readonly cache: string;
}

/** Throws a UsageError. */
export function readRunConfig(flags: RunFlags, { models, tasks, output, threads, cache }: RunDefaults): RunConfig {
  const typed = Object.entries<RunFlags[keyof RunFlags]>({ threads: String(threads), ...flags });
  const given = new Map(
    typed.flatMap(([key, value]) => (value === undefined ? [] : [[key, givenAs(key, value)] as const])),
  );
  const values = readOptions(runOptions, given, { cacheFolder: cache });
  const checkpoints = models.map((name) => ({
    name,
    folder: bundledModels,
    family: "opt" as const,
    kind: "generation" as const,
  }));
  return runConfigOf(values, { catalog: { checkpoints, bundledTasks: tasks }, output });
}

function givenAs(key: string, value: string | readonly string[] | boolean): Given {
  const option = Object.entries(runOptions).find(([name]) => name === key)?.[1];
  const where = option === undefined ? key : longNameOf(option);
  return { value: typeof value === "string" ? [value] : value, where };
}
