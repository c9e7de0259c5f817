/** What the commands on a user's own images share: how a model is asked, the forms of the answers, and the way they work. */
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
  /** What replaces choices of the protocol. */
  readonly settings: TextSettings;
  /** null: nothing is drawn. */
  readonly sampling: Sampling | null;
  /** Whether tokens, how likely they were, and times are shown. */
  readonly show: boolean;
  /** Whether several answer the same. */
  readonly isSideBySide: boolean;
}

/** Throws a UsageError. Says on stderr which model is taken where none is named: `usual`. */
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
  const isStepwise = show || sampling !== null; // a graph with the whole loop gives nothing but texts that were searched for
  const models = model ?? [usual];
  const load: LoadChoices = {
    ...{ models, precisions, threads, cache, maxPixels },
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

/** Some answers are missing, or none is there. */
export function codeOf({ answered, failed }: { readonly answered: number; readonly failed: number }): number {
  if (failed === 0) return 0;
  return answered === 0 ? usageCode : incompleteCode;
}
