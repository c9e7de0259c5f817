/** The windows of a run that no shard has answered, and the shards to begin again for them. */
import { isIn } from "../evaluation/shard.ts";
import type { ShardWindows } from "../evaluation/shard.ts";
import type { ShardOnDisk } from "./read-shard.ts";

export interface MissingWindows {
  readonly numbers: readonly number[];
  /** Ids of their samples that have no prediction. */
  readonly samples: readonly string[];
  /** How many windows the run has. */
  readonly windows: number;
  readonly shards: readonly UnfinishedShard[];
  /** A shard's command, with another number where --shard has one. */
  readonly command: string | null;
  /** Whether a Slurm array asked the shards. */
  readonly isSlurm: boolean;
}

export interface UnfinishedShard {
  readonly index: number;
  readonly of: number;
  /** Those of its own windows that are missing. */
  readonly numbers: readonly number[];
  /** `never began`, or the status in its run.json. */
  readonly state: string;
}

/** null: every window is answered, failed samples included. */
export function missingWindows(
  windows: readonly (readonly { readonly id: string }[])[],
  { answered, shards }: { readonly answered: ReadonlySet<string>; readonly shards: readonly ShardOnDisk[] },
): MissingWindows | null {
  const numbers = windows.flatMap((window, number) => (window.every(({ id }) => answered.has(id)) ? [] : [number]));
  if (numbers.length === 0) return null;
  const recorded = shards.flatMap(({ record }) => record.shard ?? []);
  return {
    numbers,
    samples: numbers.flatMap((number) => windows[number]!.flatMap(({ id }) => (answered.has(id) ? [] : [id]))),
    windows: windows.length,
    shards: shardsToBegin(numbers, shards),
    command: recorded[0]?.command ?? null,
    isSlurm: recorded.some(({ task }) => task?.startsWith("slurm:") === true),
  };
}

/** Of the divisions into n that shards were begun with, the one with the fewest shards to begin again. */
function shardsToBegin(numbers: readonly number[], shards: readonly ShardOnDisk[]): readonly UnfinishedShard[] {
  const states = new Map(shards.map(({ record }) => [record.shard?.name ?? "", record.status]));
  const divisions = new Set([...states.keys()].flatMap((name) => partOf(name)?.of ?? []));
  const plans = [...divisions].map((of) => {
    const indices = [...new Set(numbers.map((number) => number % of))].sort((a, b) => a - b);
    return indices.map((index): UnfinishedShard => {
      const own = { kind: "every", index, of } satisfies ShardWindows;
      const state = states.get(`${index}-of-${of}`) ?? "never began";
      return { index, of, numbers: numbers.filter((number) => isIn(own, number)), state };
    });
  });
  return plans.toSorted((a, b) => a.length - b.length)[0] ?? [];
}

function partOf(name: string): { readonly index: number; readonly of: number } | null {
  const [, index, of] = /^(\d+)-of-(\d+)$/.exec(name) ?? [];
  return index === undefined ? null : { index: Number(index), of: Number(of) };
}

const shownNumbers = 12;

/** `output`: the folder to merge into, as --fill takes it. */
export function describeMissing(missing: MissingWindows, { output, fill }: { output: string; fill: string }): string {
  const { numbers, samples, windows, shards, command, isSlurm } = missing;
  const lines = [
    `${output}: ${numbers.length} of ${windows} windows are missing (${samples.length} samples: ${listed(samples, 3)}):`,
    ...shards.map(
      ({ index, of, numbers: own, state }) => `  shard ${index}/${of} (${state}): windows ${listed(own, shownNumbers)}`,
    ),
  ];
  if (shards.length === 0) lines.push(`  windows ${listed(numbers, shownNumbers)}`);
  if (command !== null && shards.length > 0) {
    lines.push("Begin them again:", ...shards.map((shard) => `  ${commandOf(command, shard)}`));
  }
  if (isSlurm && shards.length > 0) {
    lines.push(`Of a Slurm array: sbatch --array=${shards.map(({ index }) => index).join(",")}, and its script.`);
  }
  lines.push("Or ask them here:", `  ${fill}`);
  return lines.join("\n");
}

function listed(values: readonly (string | number)[], shown: number): string {
  const rest = values.length - shown;
  return rest <= 0 ? values.join(", ") : `${values.slice(0, shown).join(", ")} and ${rest} more`;
}

/** The command of one shard as that of another. */
function commandOf(command: string, { index, of }: UnfinishedShard): string {
  const shard = `--shard ${index}/${of}`;
  const given = /--shard[= ]\S+/;
  return given.test(command) ? command.replace(given, shard) : `${command} ${shard}`; // a config file may have it
}
