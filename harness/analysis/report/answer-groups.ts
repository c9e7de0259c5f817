/**
 * Groups runs that used one protocol on one set of samples, and collects their answers by sample. Each distinct answer
 * is stored as a number, so that twenty runs of a whole split take a few megabytes.
 */
import { createHash } from "node:crypto";
import type { RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import type { ReadRun } from "./read-folders.ts";

/** A run's answers and scores, indexed by the sample's position in the group. */
export interface RunAnswers {
  /**
   * Number of each answer; equal texts have equal numbers in all runs of the group; -1: no answer. null: the task has
   * no answers.
   */
  readonly texts: Int32Array | null;
  /** Scores of the first metric; NaN where it has no score by sample. */
  readonly scores: Float32Array;
}

/** The sample positions and answer numbers of a group; grows with each run that is added. */
interface GroupNumbers {
  readonly places: Map<string, number>;
  /** The number of each answer. */
  readonly numbers: Map<string, number>;
}

/** Turns the answers of each run into numbers as it is read, so that the texts need not stay in memory. */
export class AnswerColumns {
  readonly #groups = new Map<string, GroupNumbers>();

  add(record: RunRecord, { samples, metrics }: ScoreSheet): RunAnswers {
    const { places, numbers } = this.of(record);
    const ids = (samples["id"] ?? []).map(String);
    for (const id of ids) if (!places.has(id)) places.set(id, places.size);
    const [metric, said] = [samples[metrics[0]?.name ?? ""], samples["answer"]];
    const texts = said === undefined ? null : new Int32Array(places.size).fill(-1);
    const scores = new Float32Array(places.size).fill(Number.NaN);
    for (const [index, id] of ids.entries()) {
      const place = places.get(id)!;
      const score = metric?.[index];
      if (typeof score === "number") scores[place] = score;
      if (texts !== null) texts[place] = numberOf(String(said?.[index] ?? ""), numbers);
    }
    return { texts, scores };
  }

  of(record: RunRecord): GroupNumbers {
    const key = groupKey(record);
    const columns = this.#groups.get(key) ?? { places: new Map<string, number>(), numbers: new Map<string, number>() };
    this.#groups.set(key, columns);
    return columns;
  }
}

function numberOf(answer: string, numbers: Map<string, number>): number {
  const known = numbers.get(answer);
  if (known !== undefined) return known;
  numbers.set(answer, numbers.size);
  return numbers.size - 1;
}

function groupKey(record: RunRecord): string {
  const { config, counts } = record;
  return JSON.stringify([dataKeyOf(record), config.protocol, config.overrides, counts.samples]);
}

export function dataKeyOf({ config, data }: RunRecord): string {
  const files = data.files.map(({ sha256 }) => sha256).sort();
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  return `${config.task} ${data.split} ${hash}`;
}

export interface AnswerGroup {
  /** "group-1". */
  readonly id: string;
  /** Identifies the data set's files: they are read once for all groups with equal keys. */
  readonly dataKey: string;
  readonly runs: readonly ReadRun[];
  /** Position in the columns by sample id. */
  readonly places: ReadonlyMap<string, number>;
}

export function groupRuns(runs: readonly ReadRun[], columns: AnswerColumns): readonly AnswerGroup[] {
  const byKey = new Map<string, ReadRun[]>();
  for (const run of runs) {
    const group = byKey.get(groupKey(run.record)) ?? [];
    byKey.set(groupKey(run.record), group);
    group.push(run);
  }
  return [...byKey.values()].map((group, index) => {
    const { record } = group[0]!; // groups are never empty
    return { id: `group-${index + 1}`, dataKey: dataKeyOf(record), runs: group, places: columns.of(record).places };
  });
}

/** Number of samples that both runs answered, and of those with equal answers; null where the task has no answers. */
export function agreementOf(a: ReadRun, b: ReadRun): { readonly compared: number; readonly equal: number } | null {
  const [one, other] = [a.answers.texts, b.answers.texts];
  if (one === null || other === null) return null;
  let [compared, equal] = [0, 0];
  for (const [place, number] of one.entries()) {
    const its = other[place] ?? -1;
    if (number === -1 || its === -1) continue;
    compared += 1;
    if (number === its) equal += 1;
  }
  return compared === 0 ? null : { compared, equal };
}

/**
 * For each sample, 1 if two of these runs answer differently; null where there are fewer than two runs, or the task has
 * no answers.
 */
export function differing({ places }: AnswerGroup, runs: readonly ReadRun[]): Uint8Array | null {
  const columns = runs.flatMap(({ answers }) => answers.texts ?? []);
  if (columns.length < 2) return null;
  const differs = new Uint8Array(places.size);
  for (let place = 0; place < differs.length; place += 1) {
    const first = columns[0]![place];
    if (columns.some((column) => column[place] !== first)) differs[place] = 1;
  }
  return differs;
}

const shareOfDiffering = 1 / 3;

/**
 * Chooses the samples to show and returns their ids in the order of the data set. They are drawn by a hash of seed and
 * id, so that the choice hardly depends on which runs are in the report; a third of them are samples that runs answer
 * differently.
 */
export function chooseSamples(
  group: AnswerGroup,
  { most, seed }: { readonly most: number; readonly seed: number },
): readonly string[] {
  const ids = [...group.places.keys()];
  if (ids.length <= most) return ids;
  const differs = differing(group, group.runs);
  const order = Float64Array.from(ids, (id) => lot(`${seed} ${id}`));
  const drawn = Uint32Array.from(ids.keys()).sort((a, b) => order[a]! - order[b]! || a - b);
  const disputed = differs === null ? drawn.subarray(0, 0) : drawn.filter((place) => differs[place] === 1);
  const chosen = new Set(disputed.subarray(0, Math.floor(most * shareOfDiffering)));
  for (const place of drawn) {
    if (chosen.size >= most) break;
    chosen.add(place);
  }
  return ids.filter((_, place) => chosen.has(place));
}

/** A hash from 0 to 2^32 - 1: FNV-1a (Fowler, Noll, Vo), then the final mixing of MurmurHash3. */
function lot(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
