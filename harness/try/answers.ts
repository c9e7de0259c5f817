/**
 * Checks the body of POST /answers, and answers it: waits in the queue, asks each checkpoint, and reports every step as
 * an event.
 */
import * as z from "zod";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { samplingSettings, textSettings } from "../catalog/text-settings.ts";
import { describesOnly } from "../library/checkpoints.ts";
import type { CheckpointPlace } from "./checkpoint-service.ts";
import { CancelledError } from "./fair-queue.ts";
import type { FairQueue } from "./fair-queue.ts";
import type { KeptCheckpoints } from "./kept-checkpoints.ts";
import type { Offered } from "./offered-checkpoints.ts";
import type { AnswerEvent, AnswerRequest, Asked } from "./wire.ts";

const mostLanes = 8; // checkpoints side by side; more do not fit on a screen
const mostTexts = 64;
const words = z.string().max(4000); // characters; longer than the context of any model
const nonEmpty = words.refine((text) => text.trim() !== "", "expected words");

const workSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("caption"), prompt: words }),
  z.strictObject({ kind: z.literal("ask"), question: nonEmpty }),
  z.strictObject({
    kind: z.literal("chat"),
    conversation: z.string().min(1).max(64),
    turns: z.array(z.strictObject({ question: words, answer: words })).max(1000),
    question: nonEmpty,
  }),
  z.strictObject({ kind: z.literal("match"), texts: z.array(nonEmpty).min(1).max(mostTexts) }),
]);

const { beams, maxNewTokens } = textSettings.shape;
const { temperature, topP, seed } = samplingSettings.shape;
/**
 * The settings that the page offers. Some limits are lower than on the command line, because other users wait in the
 * queue.
 */
const decodingSchema = z.strictObject({
  beams: beams.unwrap().max(32).nullable(),
  maxNewTokens: maxNewTokens.unwrap().max(512).nullable(),
  sampling: z
    .strictObject({ temperature: temperature.unwrap().max(100), topP: topP.unwrap(), seed: seed.unwrap() })
    .nullable(),
});

const requestSchema = z.strictObject({
  client: z.string().min(1).max(64),
  image: z.string().regex(/^[0-9a-f]{64}$/, "expected the id of an image"),
  asked: z
    .array(z.strictObject({ checkpoint: z.string(), precision: z.string(), work: workSchema }))
    .min(1)
    .max(mostLanes),
  decoding: decodingSchema,
});

/** The request, or a sentence that says what is wrong with it. */
export function readAnswerRequest(body: unknown): AnswerRequest | string {
  const parsed = requestSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "not as expected"}`.replace(/^: /, "");
}

export interface Answering {
  readonly queue: FairQueue;
  readonly kept: KeptCheckpoints;
  readonly offered: readonly Offered[];
  readonly precisions: readonly string[];
  readonly placeOf: (checkpoint: Offered, precision: string) => CheckpointPlace;
}

/** Why this checkpoint cannot be asked this, in a sentence; null: it can. */
export function refusalOf({ checkpoint, precision, work }: Asked, { offered, precisions }: Answering): string | null {
  const found = offered.find(({ name }) => name === checkpoint);
  if (found === undefined) return `No checkpoint "${checkpoint}" is offered here.`;
  if (!precisions.includes(precision)) return `No precision "${precision}", expected ${precisions.join(", ")}.`;
  if (found.does.includes(work.kind)) return null;
  if (work.kind === "match") return `${checkpoint} generates text, and matches none.`;
  if (found.does.includes("caption")) return describesOnly(checkpoint);
  return `${checkpoint} matches images and texts, and generates none.`;
}

export interface Told {
  readonly signal: AbortSignal;
  readonly tell: (event: AnswerEvent) => void;
}

/**
 * Returns when every lane has its answer, has failed or was cancelled. An error in a lane becomes an event and is not
 * thrown.
 */
export async function answerAll(
  { client, asked, decoding }: AnswerRequest,
  image: Uint8Array,
  { answering, told }: { readonly answering: Answering; readonly told: Told },
): Promise<void> {
  const { queue, kept, offered, placeOf } = answering;
  const { signal, tell } = told;
  const answerLane = async ({ checkpoint, precision, work }: Asked, lane: number): Promise<void> => {
    const found = offered.find(({ name }) => name === checkpoint);
    if (found === undefined) throw new Error(`${checkpoint}: not checked before`);
    let told: number | null | undefined;
    const onLoading = (event: PreparationEvent | null): void => {
      const share = shareOf(event);
      if (share === told) return;
      told = share;
      tell({ kind: "loading", lane, share });
    };
    const loaded = await kept.get(`${checkpoint} ${precision}`, placeOf(found, precision), { signal, onLoading });
    tell({ kind: "started", lane });
    const onText = (text: string): void => {
      tell({ kind: "text", lane, text });
    };
    const said = await loaded.answer({ image, work, decoding }, { signal, onText });
    tell({ ...("answer" in said ? { kind: "answer", ...said } : { kind: "matches", ...said }), lane });
  };
  await Promise.all(
    asked.map(async (each, lane) => {
      const onPlace = (before: number): void => {
        tell({ kind: "queued", lane, before });
      };
      try {
        await queue.add(client, { signal, onPlace }, () => answerLane(each, lane));
      } catch (error) {
        if (error instanceof CancelledError) return; // the client has disconnected
        tell({ kind: "failed", lane, message: error instanceof Error ? error.message : String(error) });
      }
    }),
  );
}

/** Progress from 0 to 1, rounded to hundredths for display. */
function shareOf(event: PreparationEvent | null): number | null {
  if (event?.kind !== "written" || event.totalBytes === 0) return null;
  return Math.round((100 * event.doneBytes) / event.totalBytes) / 100;
}
