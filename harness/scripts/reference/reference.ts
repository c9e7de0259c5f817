/**
 * Times this project and transformers alternately on one set of random weights, and prints a table in Markdown:
 *
 *   npm run bench:reference -- [--shape base] [--folder scratch/base] [--pairs fp32:float32,int8:bfloat16] [--rounds 5]
 *     [--works "vqa,caption,greedy caption"] [--record pieces.jsonl]
 *     [--images 2] [--captions 8] [--batch 8] [--reference-batch 10] [--threads 2]
 *     [--python "chroot ROOT env LD_PRELOAD=… python3"] [--reference-folder /as/seen/there]
 *
 * The workloads are those of bench:pipeline, in which no text ends early: VQA (five questions an image), captions, a
 * greedy caption of one image. A round takes a few seconds on each side; which side goes first alternates. The ratio is
 * the median over rounds, since a machine's speed changes from minute to minute. No ratio is given where the
 * reference's product of one row reads less than half of this machine's memory rate. A checkpoint that is in the folder
 * already is used as it is, whatever its shape.
 *
 * With --record, measurements are added to a file, and the table shows everything in it, so that one workload and one
 * pair can be measured at a time, whenever the machine is quiet. `--works none` measures nothing and prints the table.
 */
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { describePrecision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import { generationShapes } from "../../../models/checkpoint/random-shapes.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import { neighboursShare, readProcessorTime } from "../../bench/sweep/machine.ts";
import { provenance } from "../../catalog/provenance.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { UsageError, unknownName } from "../../catalog/usage-error.ts";
import { provideCheckpoint, readFlags, runBenchmark } from "../bench-report.ts";
import type { Flags } from "../bench-report.ts";
import { measureCeilings } from "../pipeline/ceilings.ts";
import { perform, requestsOf, worksOf } from "../pipeline/pipeline-works.ts";
import type { Work } from "../pipeline/pipeline-works.ts";
import { ReferenceProcess, referenceTypes } from "./reference-process.ts";
import type { ReferenceType } from "./reference-process.ts";
import { appendPiece, readPieces } from "./reference-record.ts";
import type { Piece } from "./reference-record.ts";
import { pieceLine, referenceReport } from "./reference-table.ts";

const defaults = {
  shape: "base",
  folder: "",
  "reference-folder": "",
  pairs: "fp32:float32,int8:bfloat16",
  python: "python3",
  threads: usableProcessors(),
  rounds: 5,
  images: 2,
  captions: 8,
  works: "vqa,caption,greedy caption",
  record: "",
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
  const record = flags.text("record");
  const known = record === "" ? [] : await readPieces(record);
  const works = worksNamed(flags);
  const made: Piece[] = [];
  if (works.length > 0) {
    const pairs = pairsIn(flags.text("pairs"));
    const threads = flags.count("threads");
    const folder = flags.text("folder") || path.join(tmpdir(), `blip2-bench-${flags.text("shape")}`);
    await provideCheckpoint(folder, shapeNamed(flags.text("shape")));
    const ceilings = await measureCeilings({ threads });
    const setting = { flags, folder, threads, works, read: ceilings.read };
    for (const pair of pairs) {
      await compare(pair, setting, async (piece) => {
        made.push(piece);
        if (record !== "") await appendPiece(record, piece);
        process.stderr.write(`${pieceLine(piece)}\n`);
      });
    }
  }
  const names = allWorks(flags).map(({ name }) => name);
  process.stdout.write(`${referenceReport([...known, ...made], names)}\n`);
}

interface Setting {
  readonly flags: Flags<Name>;
  readonly folder: string;
  readonly threads: number;
  readonly works: readonly Work[];
  /** Bytes that this machine reads from memory a second. */
  readonly read: number;
}

/** Measures one piece of each workload and reports it as soon as it is measured. */
async function compare(
  { precision: name, dtype }: Pair,
  { flags, folder, threads, works, read }: Setting,
  onPiece: (piece: Piece) => Promise<void>,
): Promise<void> {
  const precision = parsePrecision(name);
  const cacheFolder = flags.text("cache") || path.join(tmpdir(), "blip2-bench-cache");
  const options = { threads, precision, cacheFolder, hubCache: "" };
  const checkpoint = await openCheckpoint(folder, options);
  const model = await loadGenerationCheckpoint(checkpoint, options);
  const reference = await startReference({ flags, folder, dtype, threads });
  const { code, packages, processor } = await provenance({ threads, workers: 1 });
  try {
    for (const work of works) {
      const { rounds, units } = await inTurn(work, { model, reference, flags });
      const batch = Math.min(flags.count("reference-batch"), units);
      await onPiece({
        date: new Date().toISOString(),
        processor: processor.model,
        threads,
        read,
        checkpoint: { name: path.basename(folder), weightBytes: checkpoint.weightBytes },
        work: { name: work.name, unit: work.questionsAnImage > 1 ? "questions" : "images", units },
        ours: {
          precision: describePrecision(precision),
          batch: work.batch,
          version: code.version,
          node: processor.node,
          onnxRuntime: packages["onnxruntime-node"] ?? "unknown",
        },
        reference: reference && { batch, facts: reference.facts },
        rounds,
      });
    }
  } finally {
    reference?.release();
    await model.release();
  }
}

/** null where --python was not given and no Python with transformers was found: then blip2-bench is timed alone. */
async function startReference({
  flags,
  folder,
  dtype,
  threads,
}: Pick<Setting, "flags" | "folder" | "threads"> & {
  readonly dtype: ReferenceType;
}): Promise<ReferenceProcess | null> {
  const python = flags.text("python");
  const checkpoint = flags.text("reference-folder") || path.resolve(folder);
  try {
    return await ReferenceProcess.start({ python, checkpoint, dtype, threads });
  } catch (error) {
    if (!(error instanceof UsageError) || python !== defaults.python) throw error;
    process.stderr.write(`${error.message}\n`);
    return null;
  }
}

/** The first round warms up and is not counted. */
async function inTurn(
  work: Work,
  side: {
    readonly model: Parameters<typeof perform>[0];
    readonly reference: ReferenceProcess | null;
    readonly flags: Flags<Name>;
  },
): Promise<Pick<Piece, "rounds"> & { readonly units: number }> {
  const { model, reference, flags } = side;
  const rounds: Piece["rounds"][number][] = [];
  const requests = await requestsOf(work);
  const pids = [process.pid, reference?.pid ?? null].filter((pid) => pid !== null);
  const seconds = {
    ours: async (turn: number) => (await perform(model, work, { without: null, round: `${turn}`, runs: [] })).ms / 1000,
    reference: async () =>
      (await reference?.answer(requests, work.decoding, flags.count("reference-batch")))?.seconds ?? null,
  };
  for (let turn = 0; turn <= flags.count("rounds"); turn += 1) {
    const before = await readProcessorTime(pids);
    const first = turn % 2 === 0 ? await seconds.ours(turn) : null;
    const other = await seconds.reference();
    const ours = first ?? (await seconds.ours(turn));
    const neighbours = neighboursShare(before, await readProcessorTime(pids));
    if (turn > 0) rounds.push({ ours, reference: other, neighbours });
  }
  return { rounds, units: requests.length };
}

function allWorks(flags: Flags<Name>): readonly Work[] {
  const works = worksOf({ images: flags.count("images"), batch: flags.count("batch"), ends: "forced" });
  return works.map((work) => (work.name === "caption" ? { ...work, images: flags.count("captions") } : work));
}

/**
 * The workloads named by --works. `none` gives an empty list: nothing is measured, and the recorded table is printed.
 */
function worksNamed(flags: Flags<Name>): readonly Work[] {
  if (flags.text("works") === "none") return [];
  const works = allWorks(flags);
  return flags
    .text("works")
    .split(",")
    .map((word) => {
      const work = works.find(({ name }) => name === word);
      if (work !== undefined) return work;
      throw unknownName(`--works ${word}`, "work", { name: word, names: [...works.map(({ name }) => name), "none"] });
    });
}

/** Reads pairs such as `fp32:float32`; a precision may contain commas, as in `int8,language=int4:bfloat16`. */
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
