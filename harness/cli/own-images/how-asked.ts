/** Common to the commands on a user's images: settings of the model, output formats of answers, exit code. */
import { tableToCsv } from "../../../reports/tables/csv.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import type { GeneratedToken, Sampling, StageLatency } from "../../../models/model.ts";
import type { TextSettings } from "../../catalog/text-settings.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { checkpointsToRun } from "../../evaluation/checkpoints.ts";
import type { CheckpointInPrecision } from "../../evaluation/checkpoints.ts";
import type { LoadChoices } from "../../evaluation/run-config.ts";
import { checkImage, imageFiles } from "../../own-images/image-files.ts";
import type { Surroundings } from "../declared-command.ts";
import { incompleteCode, usageCode } from "../exit-code.ts";
import type { OwnImageValues, OwnTextValues } from "../options/own-images.ts";
import { givenSettings } from "../options/run.ts";
import { deviceOf } from "../options/speed.ts";
import { readSampling } from "../options/text.ts";
import type { Terminal } from "../terminal.ts";
import { shownText } from "./shown-text.ts";

export interface HowAsked {
  readonly models: LoadChoices;
  readonly form: "text" | "json" | "jsonl" | "csv";
  /** Settings that replace choices of the protocol. */
  readonly settings: TextSettings;
  /** Sampling settings; null: text is searched for. */
  readonly sampling: Sampling | null;
  /** Whether tokens with their probabilities and times are shown. */
  readonly show: boolean;
  /** Whether several models or precisions answer each question. */
  readonly isSideBySide: boolean;
}

/** Throws a UsageError. `usual`: the default model; where it is used, a note on stderr names it. */
export function readHowAsked(
  values: OwnImageValues & Partial<OwnTextValues>,
  usual: string,
  { terminal, isJson }: Pick<Surroundings, "terminal" | "isJson">,
): HowAsked {
  const { model, precision: precisions, device, deviceId, threads, cache, maxPixels, show = false } = values;
  const asked = { json: isJson, jsonl: values.jsonl, csv: values.csv };
  const forms = (["json", "jsonl", "csv"] as const).filter((form) => asked[form]);
  if (forms.length > 1) throw new UsageError(`--${forms.join(", --")}: found ${forms.length} forms, expected one.`);
  const settings = givenSettings(values);
  const sampling = readSampling(values, settings.beams);
  // a graph with the whole loop cannot sample and returns no token probabilities
  const isStepwise = show || sampling !== null;
  const models = model ?? [usual];
  const load: LoadChoices = {
    models,
    precisions,
    threads,
    cache,
    maxPixels,
    device: deviceOf({ device, deviceId }),
    ...(isStepwise && { generation: "stepwise" }),
  };
  if (model === undefined) terminal.note(`Model: ${usual}; another one with --model.`);
  if (show && values.csv) throw new UsageError("--show: a table has no place for tokens. Use --jsonl or --json.");
  const isSideBySide = models.length * precisions.length > 1;
  return { models: load, form: forms[0] ?? "text", settings, sampling, show, isSideBySide };
}

export function checkpointsAsked(
  { models }: Pick<HowAsked, "models">,
  { catalog, hubCache, terminal }: Pick<Surroundings, "catalog" | "hubCache" | "terminal">,
): Promise<readonly CheckpointInPrecision[]> {
  const onPreparation = terminal.preparation.bind(terminal);
  return checkpointsToRun(models, catalog, { hubCache, onPreparation, onMessage: terminal.message.bind(terminal) });
}

export interface UsableImages {
  readonly images: readonly string[];
  /** Number of named images that cannot be used. */
  readonly failed: number;
}

/**
 * Finds the usable images; reports why others cannot be used, and remarks on the usable ones. Throws where none can be
 * used.
 */
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

/**
 * Prints answers as they arrive or all at the end, depending on the output format. `line`: an answer as text for
 * people.
 */
export class Answers {
  readonly #answers: Answer[] = [];
  readonly #shown: (Shown | null)[] = [];
  readonly #options: {
    readonly form: HowAsked["form"];
    readonly terminal: Terminal;
    readonly line: (answer: Answer) => string;
  };

  constructor(options: { form: HowAsked["form"]; terminal: Terminal; line: (answer: Answer) => string }) {
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

/** The exit code: incomplete where answers or images failed. */
export function codeOf({ answered, failed }: { readonly answered: number; readonly failed: number }): number {
  if (failed === 0) return 0;
  return answered === 0 ? usageCode : incompleteCode;
}
