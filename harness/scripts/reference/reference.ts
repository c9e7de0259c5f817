/**
 * Times this project and transformers in turn on the same written weights, and prints a table in Markdown:
 *
 *   npm run bench:reference -- [--shape base] [--folder scratch/base] [--pairs fp32:float32,int8:bfloat16] [--rounds 5]
 *     [--images 2] [--captions 8] [--batch 8] [--reference-batch 10] [--threads 2]
 *     [--python "chroot ROOT env LD_PRELOAD=… python3"] [--reference-folder /as/seen/there]
 *
 * The work is that of bench:pipeline, where no text ends early: VQA (five questions an image), captions, a greedy caption of
 * one image. A round is a piece of a few seconds on each side, first one side, then the other, in the next round the other way
 * round; the ratio is the median of the rounds', since machines change their speed from minute to minute. No ratio is quoted
 * against a reference whose product of one row reads less than half of what memory gives here. A checkpoint that lies in the
 * folder already is taken as it is, whatever its shape.
 */
import { availableParallelism, cpus, tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { describePrecision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import { generationShapes } from "../../../models/checkpoint/random-shapes.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import { UsageError, unknownName } from "../../catalog/usage-error.ts";
import { provideCheckpoint, readFlags, runBenchmark } from "../bench-report.ts";
import type { Flags } from "../bench-report.ts";
import { measureCeilings } from "../pipeline/ceilings.ts";
import { perform, requestsOf, worksOf } from "../pipeline/pipeline-works.ts";
import type { Work } from "../pipeline/pipeline-works.ts";
import { ReferenceProcess, referenceTypes } from "./reference-process.ts";
import type { ReferenceType } from "./reference-process.ts";
import { gigabytes, tableHead, tableRow, unfairness } from "./reference-table.ts";
import type { ComparedWork } from "./reference-table.ts";

const defaults = {
  shape: "base",
  folder: "",
  "reference-folder": "",
  pairs: "fp32:float32,int8:bfloat16",
  python: "python3",
  threads: availableParallelism(),
  rounds: 5,
  images: 2,
  captions: 8,
  batch: 8,
  "reference-batch": 10,
  cache: "",
};
type Name = keyof typeof defaults;

interface Pair {
  readonly precision: string;
  readonly dtype: ReferenceType;
}

async function main(): Promise<void> {
  const flags = readFlags<Name>("bench:reference", defaults, process.argv.slice(2));
  const threads = flags.count("threads");
  const folder = flags.text("folder") || path.join(tmpdir(), `blip2-bench-${flags.text("shape")}`);
  const pairs = pairsIn(flags.text("pairs"));
  await provideCheckpoint(folder, shapeNamed(flags.text("shape")));
  const ceilings = await measureCeilings({ threads });
  const read = Math.max(ceilings.read, ceilings.oneRowFp32);
  const about = [
    `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${threads} threads, ${new Date().toISOString().slice(0, 10)}`,
    `${path.basename(folder)}; memory reads ${gigabytes(read)} GB/s`,
  ];
  const rows: string[] = [];
  const notes = new Set<string>();
  for (const pair of pairs) {
    const { lines, facts } = await compare(pair, { flags, folder, threads, read });
    rows.push(...lines);
    for (const fact of facts) notes.add(fact);
  }
  process.stdout.write(`${[...tableHead, ...rows, "", ...about, ...notes].join("\n")}\n`);
}

interface Setting {
  readonly flags: Flags<Name>;
  readonly folder: string;
  readonly threads: number;
  /** Bytes a second. */
  readonly read: number;
}

/** Rows of the table, and what is said below it. */
async function compare(
  { precision: name, dtype }: Pair,
  { flags, folder, threads, read }: Setting,
): Promise<{ readonly lines: readonly string[]; readonly facts: readonly string[] }> {
  const checkpoint = flags.text("reference-folder") || path.resolve(folder);
  const precision = parsePrecision(name);
  const cacheFolder = flags.text("cache") || path.join(tmpdir(), "blip2-bench-cache");
  const options = { threads, precision, cacheFolder, hubCache: "" };
  const model = await loadGenerationCheckpoint(await openCheckpoint(folder, options), options);
  let reference: ReferenceProcess | null = null;
  const facts: string[] = [];
  try {
    reference = await ReferenceProcess.start({ python: flags.text("python"), checkpoint, dtype, threads });
  } catch (error) {
    if (!(error instanceof UsageError) || flags.text("python") !== defaults.python) throw error;
    facts.push(error.message); // nobody asked for it by name: ours is timed alone
  }
  const unfair = reference === null ? null : unfairness(reference.facts, read);
  if (reference !== null) {
    const { torch, transformers, blas, instructions, oneRowBytesPerSecond } = reference.facts;
    const rate = gigabytes(oneRowBytesPerSecond);
    facts.push(
      `transformers ${transformers}, torch ${torch} (BLAS: ${blas ?? "not known"}, ${instructions}), ${reference.facts.dtype}: one row reads ${rate} GB/s`,
    );
  }
  if (unfair !== null) facts.push(`refused: ${unfair}`);
  const ours = { precision: describePrecision(precision), batch: flags.count("batch") };
  const lines: string[] = [];
  try {
    for (const work of worksNamed(flags)) {
      const compared = await inTurn(work, { model, reference, flags });
      const batch = Math.min(flags.count("reference-batch"), compared.units);
      const other = reference && { dtype: reference.facts.dtype, batch, isFair: unfair === null };
      lines.push(tableRow(compared, { ...ours, batch: work.batch }, other));
      process.stderr.write(`${lines.at(-1)!}\n`);
    }
  } finally {
    reference?.release();
    await model.release();
  }
  return { lines, facts };
}

/** The first round warms up and is not counted. */
async function inTurn(
  work: Work,
  side: {
    readonly model: Parameters<typeof perform>[0];
    readonly reference: ReferenceProcess | null;
    readonly flags: Flags<Name>;
  },
): Promise<ComparedWork> {
  const { model, reference, flags } = side;
  const rounds: { readonly ours: number; readonly reference: number }[] = [];
  const requests = await requestsOf(work);
  const seconds = {
    ours: async (turn: number) => (await perform(model, work, { without: null, round: `${turn}`, runs: [] })).ms / 1000,
    reference: async () =>
      (await reference?.answer(requests, work.decoding, flags.count("reference-batch")))?.seconds ?? Number.NaN,
  };
  for (let turn = 0; turn <= flags.count("rounds"); turn += 1) {
    const first = turn % 2 === 0 ? await seconds.ours(turn) : null;
    const other = await seconds.reference();
    const ours = first ?? (await seconds.ours(turn));
    if (turn > 0) rounds.push({ ours, reference: other });
  }
  return { name: work.name, unit: work.questionsAnImage > 1 ? "questions" : "images", units: requests.length, rounds };
}

function worksNamed(flags: Flags<Name>): readonly Work[] {
  const batch = flags.count("batch");
  const works = worksOf({ images: flags.count("images"), batch, ends: "forced" });
  return works.map((work) => (work.name === "caption" ? { ...work, images: flags.count("captions") } : work));
}

/** `fp32:float32`; a precision may have commas of its own, as `int8,language=int4:bfloat16`. */
function pairsIn(text: string): readonly Pair[] {
  const pairs: Pair[] = [];
  let precision: string[] = [];
  for (const word of text.split(",")) {
    const [name = "", type] = word.split(":");
    precision.push(name);
    if (type === undefined) continue;
    const dtype = referenceTypes.find((each) => each === type);
    if (dtype === undefined) throw unknownName(`--pairs ${text}`, "type", { name: type, names: referenceTypes });
    pairs.push({ precision: precision.join(","), dtype });
    precision = [];
  }
  if (precision.length === 0) return pairs;
  throw new UsageError(`bench:reference --pairs: found "${text}", expected such as ${defaults.pairs}.`);
}

function shapeNamed(name: string): (typeof generationShapes)[keyof typeof generationShapes] {
  const shape = new Map(Object.entries(generationShapes)).get(name);
  if (shape !== undefined) return shape;
  throw unknownName(`--shape ${name}`, "shape", { name, names: Object.keys(generationShapes) });
}

await runBenchmark(main);
