/**
 * Runs that were asked the same samples in the same manner, and their answers by sample: as numbers, so that twenty runs of a
 * whole split are a few megabytes.
 */
import { createHash } from "node:crypto";
import type { ReadRun } from "./read-folders.ts";

export interface AnswerGroup {
  /** "group-1". */
  readonly id: string;
  /** Of the data set's files: groups with the same can share what is read of it. */
  readonly dataKey: string;
  readonly runs: readonly ReadRun[];
  /** By sample id: its place in the columns. */
  readonly places: ReadonlyMap<string, number>;
  readonly answers: ReadonlyMap<ReadRun, Answers>;
}

interface Answers {
  /** By place: the number of the answer, the same for the same text in all runs of the group; null: the task has none. */
  readonly texts: Int32Array | null;
  /** Of the first metric; NaN where it has none by sample. */
  readonly scores: Float32Array;
}

export function groupRuns(runs: readonly ReadRun[]): readonly AnswerGroup[] {
  const byKey = new Map<string, ReadRun[]>();
  for (const run of runs) {
    const key = groupKey(run);
    const group = byKey.get(key) ?? [];
    byKey.set(key, group);
    group.push(run);
  }
  return [...byKey.values()].map((group, index) => answerGroup(`group-${index + 1}`, group));
}

function groupKey({ record }: ReadRun): string {
  const { config, counts } = record;
  return JSON.stringify([dataKeyOf(record), config.protocol, config.overrides, counts.samples]);
}

export function dataKeyOf({ config, data }: ReadRun["record"]): string {
  const files = data.files.map(({ sha256 }) => sha256).sort();
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex");
  return `${config.task} ${data.split} ${hash}`;
}

function answerGroup(id: string, runs: readonly ReadRun[]): AnswerGroup {
  const places = new Map<string, number>();
  for (const { columns } of runs) {
    for (const sample of columns["id"] ?? []) if (!places.has(String(sample))) places.set(String(sample), places.size);
  }
  const numbers = new Map<string, number>(); // by answer
  const answers = new Map(runs.map((run) => [run, answersOf(run, places, numbers)]));
  return { id, dataKey: dataKeyOf(runs[0]!.record), runs: runs.map(withoutColumns(answers)), places, answers };
}

/** The columns are numbers by now; as text they would stay in memory. The map's keys are the runs without them. */
function withoutColumns(answers: Map<ReadRun, Answers>): (run: ReadRun) => ReadRun {
  return (run) => {
    const bare = { ...run, columns: {} };
    answers.set(bare, answers.get(run)!);
    answers.delete(run);
    return bare;
  };
}

function answersOf(
  { columns, scores }: ReadRun,
  places: ReadonlyMap<string, number>,
  numbers: Map<string, number>,
): Answers {
  const metric = columns[scores.metrics[0]?.name ?? ""];
  const said = columns["answer"];
  const texts = said === undefined ? null : new Int32Array(places.size).fill(-1);
  const byPlace = new Float32Array(places.size).fill(Number.NaN);
  for (const [index, id] of (columns["id"] ?? []).entries()) {
    const place = places.get(String(id))!;
    const score = metric?.[index];
    if (typeof score === "number") byPlace[place] = score;
    if (texts === null) continue;
    const answer = String(said?.[index] ?? "");
    let number = numbers.get(answer);
    if (number === undefined) numbers.set(answer, (number = numbers.size));
    texts[place] = number;
  }
  return { texts, scores: byPlace };
}

/** Samples both answered, and on how many they say the very same; null where the task has no answers. */
export function agreementOf(
  { answers }: AnswerGroup,
  a: ReadRun,
  b: ReadRun,
): { readonly compared: number; readonly equal: number } | null {
  const [one, other] = [answers.get(a)?.texts, answers.get(b)?.texts];
  if (one === undefined || one === null || other === undefined || other === null) return null;
  let [compared, equal] = [0, 0];
  for (const [place, number] of one.entries()) {
    if (number === -1 || other[place] === -1) continue;
    compared += 1;
    if (number === other[place]) equal += 1;
  }
  return compared === 0 ? null : { compared, equal };
}

/** By place: whether two of these runs answer differently; null where there are not two, or the task has no answers. */
export function differing({ answers, places }: AnswerGroup, runs: readonly ReadRun[]): Uint8Array | null {
  const columns = runs.flatMap((run) => answers.get(run)?.texts ?? []);
  if (columns.length < 2) return null;
  const differs = new Uint8Array(places.size);
  for (let place = 0; place < differs.length; place += 1) {
    const first = columns[0]![place]!;
    if (columns.some((column) => column[place] !== first)) differs[place] = 1;
  }
  return differs;
}

const shareOfDiffering = 1 / 3;

/**
 * Ids of the samples to show, in the order of the data set: drawn by a hash of seed and id, so that the same samples come out
 * whatever runs there are; a third of them from those that runs answer differently.
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

/** FNV-1a (Fowler, Noll, Vo), then the mixing at the end of MurmurHash3: a number in 0..2^32 - 1. */
function lot(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
