/** Options of a run, and the RunConfig that is made from them. */
import { join, resolve } from "node:path";
import type { Catalog } from "../../catalog/catalog.ts";
import { textSettingsIn } from "../../catalog/text-settings.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { wholeFrom } from "../../catalog/values.ts";
import type { Overrides, RunConfig } from "../../evaluation/run-config.ts";
import { mixedProcessors, queue, workerEnds } from "./queue.ts";
import { shard } from "./shard.ts";
import { text, value } from "./kinds.ts";
import { longNameOf, optionsUnder } from "./option.ts";
import type { Option, Values } from "./option.ts";
import { outputFolder, overwrite } from "./output.ts";
import { deviceOf, generation, refuseIdleBudget, runSpeed } from "./speed.ts";
import { answering, fewShot, prompts, protocol, search } from "./text.ts";
import { modelOption, precision, rankingAndScore, samples, tasksOption } from "./what-to-run.ts";

const underWhatToRun = optionsUnder("What to run");

const underOutput = optionsUnder("Output");

// they take 13 MB with a vocabulary of 50,000; their mean is precise enough to compare precisions
const comparedSteps = 64;

/** Options that do not replace a choice of the protocol. `usual`: the default models and tasks in words. */
export function plainRunOptions(usual: { readonly models: string; readonly tasks: string }) {
  return {
    model: modelOption(usual.models),
    tasks: tasksOption(usual.tasks),
    ...samples,
    maxErrors: underWhatToRun.option("--max-errors <n>", "stop when more samples than this have failed", {
      kind: value(wholeFrom(0)),
      otherwise: null,
    }),
    protocol,
    ...runSpeed,
    output: outputFolder("the run folder", "runs/<date-time>"),
    overwrite: overwrite("run"),
  } satisfies Readonly<Record<string, Option<unknown>>>;
}

const otherRunOptions = {
  precision,
  firstSteps: underWhatToRun.option(
    "--first-steps <n>",
    "samples whose first token's distribution is kept for `costs`",
    { kind: value(wholeFrom(0)), usual: `${comparedSteps} of several precisions` },
  ),
  ...rankingAndScore,
  cluster: underWhatToRun.option("--cluster <column>", "column of the data that standard errors group samples by", {
    kind: text(),
    usual: "the image",
    otherwise: null,
  }),
  ...prompts,
  ...answering,
  ...fewShot,
  ...search,
  generation,
};

export const runOptions = {
  ...plainRunOptions({ models: "all bundled", tasks: "all the checkpoints can do" }),
  ...otherRunOptions,
  shard: underWhatToRun.option(
    "--shard <i/n>",
    "only windows i, i + n, …, for merge; auto/n takes i from a scheduler",
    {
      kind: shard,
      otherwise: null,
    },
  ),
  queue,
  mixedProcessors,
  pull: underWhatToRun.toggle(
    "--pull",
    "fetch what is not here yet: from the hub checkpoints and the mirror that --data hf: names; own data's images by address",
  ),
  report: underOutput.toggle("--no-report", "do not end by writing a report into the output folder"),
};

/** A worker takes the flags of the run that it answers windows of. */
export const workerOptions = {
  ...plainRunOptions({ models: "all bundled", tasks: "all the checkpoints can do" }),
  ...otherRunOptions,
  ...workerEnds,
};

type PlainRunValues = Values<ReturnType<typeof plainRunOptions>>;

/** `output`: the default output folder. Throws a UsageError. */
export function runConfigOf(
  values: PlainRunValues & Partial<Values<typeof otherRunOptions>>,
  { catalog, output }: { readonly catalog: Pick<Catalog, "checkpoints" | "bundledTasks">; readonly output: string },
): RunConfig {
  refuseIdleBudget(values);
  const { model, tasks, device, deviceId, precision: named, firstSteps, ...others } = values;
  const precisions = named ?? precision.read(undefined, { cacheFolder: values.cache });
  return Object.freeze({
    ...others,
    models: model ?? catalog.checkpoints.map(({ name }) => name),
    tasks: tasks ?? catalog.bundledTasks,
    areTasksNamed: tasks !== undefined,
    output: values.output ?? resolve(output),
    device: deviceOf({ device, deviceId }),
    precisions,
    firstSteps: firstSteps ?? (precisions.length > 1 ? comparedSteps : 0),
    generation: others.generation ?? "auto",
    candidates: others.candidates ?? null,
    overrides: overridesOf(values),
    cluster: values.cluster ?? null,
    prompts: promptsToTry(values),
    shard: null,
    elsewhere: null,
    isApart: false,
    schedulerTask: null,
  });
}

export function defaultOutput(): string {
  return join("runs", new Date().toISOString().slice(0, 19).replaceAll(":", "-"));
}

function overridesOf(values: Partial<Values<typeof otherRunOptions>>): Overrides {
  const { rerank, ciderDf, answers, lengthNorm } = values;
  const [prompt, ...others] = values.prompt ?? [];
  return Object.freeze({
    ...(rerank !== undefined && { rerank }),
    ...(ciderDf === "sample" && { ciderDf }),
    ...(prompt !== undefined && others.length === 0 && { prompt }),
    ...(answers === "ranked" && { answers }),
    ...(lengthNorm !== undefined && lengthNorm !== "none" && { lengthNorm }),
    ...shotsIn(values),
    ...givenSettings(values),
  });
}

/** Where there are several. Throws a UsageError for a prompt that is given twice. */
function promptsToTry({ prompt = [] }: { readonly prompt?: readonly string[] | undefined }): readonly string[] {
  const twice = prompt.find((text, index) => prompt.indexOf(text) !== index);
  if (twice !== undefined) throw new UsageError(`--prompt: found "${twice}" twice. Leave one out.`);
  return prompt.length > 1 ? prompt : [];
}

/** Throws a UsageError for settings of shots without shots. */
function shotsIn(values: Partial<Values<typeof fewShot>>): Overrides {
  const { shots = 0, shotsFrom, shotsSeed, shotsCaptioned = false } = values;
  const others = {
    ...(shotsFrom !== undefined && { shotsFrom }),
    ...(shotsSeed !== undefined && { shotsSeed }),
    ...(shotsCaptioned && { shotsCaptioned: true as const }),
  };
  if (shots > 0) return { shots, ...others };
  const [other] = Object.keys(others) as (keyof typeof fewShot)[];
  if (other === undefined) return {};
  throw new UsageError(`${longNameOf(fewShot[other])}: no shots are shown. Give --shots as well.`);
}

/** The settings of text generation that were given. */
export function givenSettings(values: Partial<Values<typeof search>>) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return textSettingsIn(Object.fromEntries(given));
}
