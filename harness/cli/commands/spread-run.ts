/** What `run` and `worker` share where windows are asked by several processes: a shard, or a queue. */
import { shellWord } from "../../catalog/shell-word.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { Elsewhere } from "../../evaluation/elsewhere.ts";
import { readListedTexts } from "../../evaluation/generation/listed-texts.ts";
import type { Shard } from "../../evaluation/shard.ts";
import { answeredByQueue } from "../../spread/queue/coordinate.ts";
import { addressWarning } from "../../spread/queue/redis.ts";
import type { RedisPlace } from "../../spread/queue/redis.ts";
import type { Surroundings } from "../declared-command.ts";
import type { RunValues } from "./declared/evaluate.ts";

/** The values with the prompts of --prompt-file behind those of --prompt. Throws a UsageError. */
export async function withListedPrompts<Given extends Pick<RunValues, "prompt" | "promptFile">>(
  values: Given,
): Promise<Given> {
  if (values.promptFile === undefined) return values;
  const { texts } = await readListedTexts(values.promptFile, "--prompt-file");
  return { ...values, prompt: [...(values.prompt ?? []), ...texts] };
}

/** `command`: that which asks the shard. Throws a UsageError where other options do not go with --shard. */
export function shardOf(values: RunValues, command: string, { scheduler }: Surroundings): Shard | null {
  const { shard, output } = values;
  if (shard === null) return null;
  if (output === null) throw new UsageError("--shard: needs --output, the folder that all shards share.");
  refuseBeforeWindows("--shard", values);
  return { windows: { kind: "every", index: scheduler.indexOf(shard), of: shard.of }, command };
}

/** Throws a UsageError where windows are to be asked by several processes and an option needs a model before or behind them. */
export function refuseBeforeWindows(
  where: string,
  { batchSize, firstSteps }: Pick<RunValues, "batchSize" | "firstSteps">,
): void {
  if (batchSize === "auto") {
    throw new UsageError(`${where}: --batch-size auto may find another size on each machine. Give a number.`);
  }
  if (firstSteps === undefined) return;
  throw new UsageError(`${where}: keeps no first steps. Leave out --first-steps.`);
}

/** Options of `run` that a worker does not take. */
const coordinatorWords = new Set(["--queue", "--no-report", "--overwrite", "--mixed-processors", "--pull"]);

/** null: windows are answered here. Throws a UsageError. */
export function elsewhereOf(values: RunValues, surroundings: Surroundings): Elsewhere | null {
  if (!values.queue) return null;
  if (values.shard !== null) throw new UsageError("--queue: is another way than --shard. Give one of them.");
  refuseBeforeWindows("--queue", values);
  const { terminal, words } = surroundings;
  const flags = words.slice(1).filter((word) => !coordinatorWords.has(word));
  return answeredByQueue({
    place: queuePlace(surroundings),
    mixedProcessors: values.mixedProcessors,
    workerCommand: ["npx", "blip2-bench", "worker", ...flags].map(shellWord).join(" "),
    onMessage: (message) => {
      terminal.message(message);
    },
  });
}

/** Throws a UsageError where no address is given; warns of one that should not be used beyond this machine. */
export function queuePlace({ redis, terminal }: Surroundings): RedisPlace {
  const place = redis();
  const warning = addressWarning(place);
  if (warning !== null) terminal.message(warning);
  return place;
}
