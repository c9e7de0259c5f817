/** What the commands on images of one's own share: their flags, the forms of their result, and the way they work. */
import type { Command } from "commander";
import { tableToCsv } from "../../../reports/tables/csv.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { incompleteCode, usageCode } from "../exit-code.ts";
import { withDeviceFlags } from "../../catalog/device.ts";
import { cacheHelp, list, maxPixelsHelp, precisionHelp, withOutputFlags } from "../flags.ts";
import type { OutputFlags, Surroundings } from "../flags.ts";
import { checkpointsToRun } from "../../evaluation/checkpoints.ts";
import type { CheckpointInPrecision } from "../../evaluation/checkpoints.ts";
import { readRunConfig } from "../../evaluation/run-config.ts";
import type { RunConfig, RunFlags } from "../../evaluation/run-config.ts";
import type { Terminal } from "../terminal.ts";
import type { GeneratedToken, Sampling, StageLatency } from "../../../models/model.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { checkImage, imageFiles } from "../../own-images/image-files.ts";
import { shownText } from "./shown-text.ts";
import { readSampling, withSamplingFlags } from "./sampling-flags.ts";
import type { SamplingFlags } from "./sampling-flags.ts";

export interface RideFlags extends RunFlags, OutputFlags, SamplingFlags {
  readonly jsonl?: boolean;
  readonly csv?: boolean;
  readonly show?: boolean;
}

/** Flags of all of them. */
export function withRideFlags(command: Command, defaultModel: string): Command {
  command
    .option(
      "-m, --model <names>",
      `bundled names, folders or names in the Hugging Face cache (default: ${defaultModel})`,
      list,
    )
    .option("--precision <names>", precisionHelp, list)
    .option("--threads <n>", "threads to compute with (default: all)")
    .option("--max-pixels <n>", maxPixelsHelp)
    .option("--jsonl", "a JSON object a line, as soon as it is there")
    .option("--csv", "a table with commas")
    .option("--cache <folder>", cacheHelp);
  return withOutputFlags(withDeviceFlags(command));
}

/** Those of text that is generated. */
export function withDecodingFlags(command: Command, defaults = { protocol: "paper", beams: "5" }): Command {
  return withSamplingFlags(command)
    .option(
      "--protocol <name>",
      `paper or lavis: how text is generated, where no flag says otherwise (default: ${defaults.protocol})`,
    )
    .option("--beams <n>", `beams; 1 is greedy search (default: ${defaults.beams})`)
    .option("--min-new-tokens <n>", "shortest text")
    .option("--max-new-tokens <n>", "longest text")
    .option("--length-penalty <x>", "above 0 favours long text, below short")
    .option("--repetition-penalty <x>", "1 is none")
    .option("--early-stopping <when>", "true, false or never, as in transformers")
    .option("--show", "behind each text its tokens, how likely the model found each, and the time by stage");
}

export function withBatchFlag(command: Command): Command {
  return command.option("-b, --batch-size <n>", "texts generated at a time (default: 8)");
}

export interface Ride {
  readonly config: RunConfig;
  readonly batchSize: number;
  readonly form: "text" | "json" | "jsonl" | "csv";
  /** null: nothing is drawn. */
  readonly sampling: Sampling | null;
  /** Whether tokens, how likely they were, and times are shown. */
  readonly show: boolean;
}

/** Throws a UsageError. Says on stderr which model is taken where none is named. */
export function readRide(flags: RideFlags, defaultModel: string, { terminal, cacheFolder }: Surroundings): Ride {
  const forms = (["json", "jsonl", "csv"] as const).filter((form) => flags[form] === true);
  if (forms.length > 1) throw new UsageError(`--${forms.join(", --")}: found ${forms.length} forms, expected one.`);
  const config = readRunConfig(flags, {
    models: [defaultModel],
    tasks: [],
    output: ".", // nothing is written
    threads: usableProcessors(),
    cache: cacheFolder,
  });
  const { batchSize } = config;
  if (batchSize === "auto")
    throw new UsageError("--batch-size: nothing is measured here, expected a whole number from 1.");
  const sampling = readSampling(flags, config.overrides.beams);
  if (flags.model === undefined) terminal.note(`Model: ${defaultModel}; another one with --model.`);
  const { show = false } = flags;
  if (show && flags.csv === true)
    throw new UsageError("--show: a table has no place for tokens. Use --jsonl or --json.");
  return { config, batchSize, form: forms[0] ?? "text", sampling, show };
}

export async function modelsToRide(
  { config, show, sampling }: Ride,
  { catalog, hubCache, terminal }: Pick<Surroundings, "catalog" | "hubCache" | "terminal">,
): Promise<readonly CheckpointInPrecision[]> {
  const allowing: Catalog = {
    ...catalog,
    findCheckpoint: (where, options) =>
      catalog.findCheckpoint(where, {
        ...options,
        // A graph with the whole loop gives nothing but texts that were searched for.
        ...((show || sampling !== null) && { generation: "stepwise" }),
      }),
  };
  const onPreparation = terminal.preparation.bind(terminal);
  return checkpointsToRun(config, allowing, { hubCache, onPreparation, onMessage: terminal.message.bind(terminal) });
}

export interface UsableImages {
  readonly images: readonly string[];
  /** Of those that were named and cannot be used. */
  readonly failed: number;
}

/** Says of each image that cannot be used why, and what should be known of the others. Throws where none can. */
export async function usableImages(
  words: readonly string[],
  maxPixels: number | null,
  terminal: Terminal,
): Promise<UsableImages> {
  const images: string[] = [];
  const errors: string[] = [];
  for (const path of await imageFiles(words)) {
    const { error, note } = await checkImage(path, maxPixels);
    if (note !== null) terminal.note(note);
    if (error === null) images.push(path);
    else errors.push(error);
  }
  if (images.length === 0) throw new UsageError(errors.join("\n"));
  for (const error of errors) terminal.error(error);
  return { images, failed: errors.length };
}

export type Answer = Readonly<Record<string, string | number | null>>;

/** What --show adds to an answer. */
export interface Shown {
  readonly tokens: readonly GeneratedToken[];
  readonly latencyMs: StageLatency;
}

/** Prints answers as they come, or all at the end, as the form has it. `line`: one of them for people. */
export class Answers {
  readonly #answers: Answer[] = [];
  readonly #shown: (Shown | null)[] = [];
  readonly #options: {
    readonly form: Ride["form"];
    readonly terminal: Terminal;
    readonly line: (answer: Answer) => string;
  };

  constructor(options: { form: Ride["form"]; terminal: Terminal; line: (answer: Answer) => string }) {
    this.#options = options;
  }

  add(answer: Answer, shown: Shown | null = null): void {
    const { form, terminal, line } = this.#options;
    if (form === "text") terminal.result([line(answer), ...(shown === null ? [] : [shownText(shown)])].join("\n"));
    else if (form === "jsonl") terminal.result(JSON.stringify({ ...answer, ...shown }));
    else {
      this.#answers.push(answer);
      this.#shown.push(shown);
    }
  }

  end(): void {
    const { form, terminal } = this.#options;
    const whole = this.#answers.map((answer, index) => ({ ...answer, ...this.#shown[index] }));
    if (form === "json") terminal.result(JSON.stringify(whole, null, 2));
    if (form !== "csv") return;
    const columns = Object.keys(this.#answers[0] ?? {}).map((name) =>
      left<Answer>(name, (answer) => answer[name] ?? null),
    );
    terminal.result(tableToCsv(tableOf(columns, this.#answers)).trimEnd());
  }
}

/** Some answers are missing, or none is there. */
export function codeOf({ answered, failed }: { readonly answered: number; readonly failed: number }): number {
  if (failed === 0) return 0;
  return answered === 0 ? usageCode : incompleteCode;
}
