/**
 * What passes through Redis: numbers and hashes to workers, predictions back. No paths, prompts or code; whatever else is
 * found there is refused.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { identityFields, parsePrediction, processorSchema } from "../../../reports/records/run-record.ts";
import type { Prediction, RunPlan } from "../../../reports/records/run-record.ts";

/** A window to be answered. */
export const jobSchema = z.strictObject({
  /** Of the run. */
  identity: z.string().regex(/^[0-9a-f]{64}$/),
  /** Fingerprint of the samples of all windows. */
  windowsHash: z.string().regex(/^[0-9a-f]{64}$/),
  window: z.int().nonnegative(),
});
export type WindowJob = z.infer<typeof jobSchema>;

/** What a coordinator leaves for workers to compare themselves with, and renews as long as it lives. */
export const planSchema = z.strictObject({
  windowsHash: z.string(),
  /** Fields of identity, as `comparableFields` writes them. */
  fields: z.record(z.string(), z.string()),
  /** Whether workers that round differently may answer. */
  mixedProcessors: z.boolean(),
  /** Another number after each renewal. */
  beat: z.int(),
  /** Whether every window is answered: workers leave. */
  isOver: z.boolean(),
});
export type SharedPlan = z.infer<typeof planSchema>;

/** Who answers: a worker, by a name of its own, and its machine. */
export const workerSchema = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,120}$/),
  processor: processorSchema,
  startedAt: z.iso.datetime(),
});
export type QueueWorker = z.infer<typeof workerSchema>;

/** What a worker signs in with, and renews while it lives. */
export const signSchema = z.strictObject({
  /** Samples that it answered. */
  samples: z.int().nonnegative(),
  beat: z.int(),
});
export type Sign = z.infer<typeof signSchema>;

const answerSchema = z.strictObject({ worker: workerSchema, lines: z.string() });

const shortValue = /^[\w.,=:+-]{0,80}$/;

/** The fields that two runs must have in common. A text that is no name or number, such as a prompt, is hashed. */
export function comparableFields(plan: RunPlan): Readonly<Record<string, string>> {
  const fields = [...identityFields(plan)].map(([name, value]) => {
    const isShort = shortValue.test(value) && !name.endsWith("prompt");
    return [
      name,
      isShort ? value : `SHA-256 ${createHash("sha256").update(value).digest("hex").slice(0, 16)}`,
    ] as const;
  });
  return Object.fromEntries(fields);
}

/** A line for each field in which this worker differs from a coordinator's plan: `config.decoding.beams: found 2, expected 5`. */
export function differingPlan(own: Readonly<Record<string, string>>, plan: SharedPlan): readonly string[] {
  const names = [...new Set([...Object.keys(own), ...Object.keys(plan.fields)])];
  return names
    .filter((name) => own[name] !== plan.fields[name])
    .map((name) => `${name}: found ${own[name] ?? "none"}, expected ${plan.fields[name] ?? "none"}`);
}

/** Bytes of the answers to one window, at most: a hundred times those of 32 captions. */
export const largestAnswerBytes = 8 * 2 ** 20;

/** What a worker sends back for a window: who it is, and lines as they stand in a journal. */
export interface QueueAnswer {
  readonly worker: QueueWorker;
  readonly predictions: readonly Prediction[];
}

export function answerText({ worker, predictions }: QueueAnswer): string {
  const lines = predictions.map((prediction) => JSON.stringify(prediction)).join("\n");
  return JSON.stringify({ worker, lines });
}

/** Throws an Error that says what is wrong: it is not exactly the samples of the window, or no prediction. */
export function readAnswer(value: unknown, ids: readonly string[]): QueueAnswer {
  if (typeof value !== "string") throw new Error(`found ${typeof value}, expected the text of an answer`);
  const bytes = Buffer.byteLength(value);
  if (bytes > largestAnswerBytes) throw new Error(`found ${bytes} bytes, expected at most ${largestAnswerBytes}`);
  const { worker, lines } = parseAnswer(value);
  const predictions = lines.split("\n").map((line) => {
    parsePrediction(line);
    return JSON.parse(line) as Prediction; // checked above; its keys stay in the order in which they are written
  });
  const found = predictions.map(({ id }) => id);
  if (found.length === ids.length && found.every((id, index) => id === ids[index])) return { worker, predictions };
  throw new Error(`found samples ${found.slice(0, 3).join(", ")} …, expected ${ids.slice(0, 3).join(", ")} …`);
}

function parseAnswer(text: string): z.infer<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error("found a text of another form, expected a worker and the lines of a journal", { cause });
  }
}
