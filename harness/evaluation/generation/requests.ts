/** Samples → what a model is asked about each: its image, and its prompt behind the shots that were drawn for it. */
import type { Sample } from "../../../datasets/dataset.ts";
import type { Batching, GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import type { RecordedShot } from "../../../reports/records/run-record.ts";
import { captioning } from "../../../tasks/own-image.ts";
import { PromptError } from "../../../tasks/prompt-template.ts";
import { shotText, withShots } from "../../../tasks/shots.ts";
import type { Asking } from "./asking.ts";
import type { Shot, Shots } from "./shots.ts";

export interface AskedSample<S extends Sample> {
  readonly sample: S;
  readonly request: GenerationRequest;
  readonly shots: readonly RecordedShot[];
  /** Why it cannot be asked; null: it can. */
  readonly fault: string | null;
}

/** One for each sample, in their order. `size`: of batches in which images of shots are captioned. */
export async function requestsOf<S extends Sample>(
  model: Pick<VisionLanguageModel, "generate">,
  samples: readonly S[],
  { asking, size }: { readonly asking: Asking<S>; readonly size: number },
): Promise<readonly AskedSample<S>[]> {
  const { shots, maxPromptTokens } = asking;
  const asked = samples.map((sample) => ({ sample, ...promptsOf(sample, asking) }));
  const drawn = asked.flatMap((each) => each.shots.map(({ shot }) => shot));
  const captions = await captionsOf(model, drawn, shots?.captions ?? null, size);
  return asked.map(({ sample, prompt, shots: shown, fault }) => {
    const captioned = shown.map((each) => ({ ...each, caption: captions.get(each.shot.sample.image.id) ?? null }));
    const texts = captioned.map((each) => shotText(each.prompt, each.shot.answer, textOf(each.caption)));
    const request = {
      image: sample.image,
      prompt: withShots(texts, prompt),
      ...(maxPromptTokens !== null && { maxPromptTokens }),
    };
    const faults = captioned.flatMap(({ shot, caption }) =>
      caption?.status === "failed" ? [`its shot ${shot.sample.id} has no caption: ${caption.error}`] : [],
    );
    const recordedShots = captioned.map(({ shot, caption }) => recorded(shot, caption));
    return { sample, request, shots: recordedShots, fault: fault ?? faults[0] ?? null };
  });
}

/** Why a sample cannot be asked: its row is faulty, or no prompt can be made of it; null: it can. */
export function promptFault<S extends Sample>(sample: S, asking: Pick<Asking<S>, "prompt" | "shots">): string | null {
  return promptsOf(sample, asking).fault;
}

interface Prompts<S> {
  /** The sample's own. */
  readonly prompt: string | null;
  readonly shots: readonly { readonly shot: Shot<S>; readonly prompt: string | null }[];
  /** Why there are none: the sample's row is faulty, or one of them cannot be made; null: there are. */
  readonly fault: string | null;
}

function promptsOf<S extends Sample>(sample: S, asking: Pick<Asking<S>, "prompt" | "shots">): Prompts<S> {
  if (sample.fault !== undefined) return { prompt: null, shots: [], fault: sample.fault };
  try {
    const prompt = asking.prompt(sample);
    const drawn = asking.shots?.of(sample) ?? [];
    return { prompt, shots: drawn.map((shot) => ({ shot, prompt: asking.prompt(shot.sample) })), fault: null };
  } catch (error) {
    if (error instanceof PromptError) return { prompt: null, shots: [], fault: error.message };
    throw error;
  }
}

/** As a run asks: rows of finished samples are filled again, and words that all prompts begin with run once an image. */
export function runBatching(size: number, onAnswer?: Batching["onAnswer"]): Batching {
  return { size, refill: true, sharePrompt: true, ...(onAnswer !== undefined && { onAnswer }) };
}

type Caption =
  { readonly status: "captioned"; readonly text: string } | { readonly status: "failed"; readonly error: string };

/** By image id. Made anew for each window, so that they do not depend on which windows were asked before. */
async function captionsOf<S extends Sample>(
  model: Pick<VisionLanguageModel, "generate">,
  shots: readonly Shot<S>[],
  decoding: Shots<S>["captions"],
  size: number,
): Promise<ReadonlyMap<string, Caption>> {
  const images = new Map(shots.map(({ sample: { image } }) => [image.id, image]));
  if (images.size === 0 || decoding === null) return new Map();
  // An image of another split may have the id of an image that is asked about.
  const requests = [...images.values()].map((image) => {
    return { image: { ...image, id: `shot ${image.id}` }, prompt: captioning.prompt };
  });
  const answers = await model.generate(requests, decoding, runBatching(size));
  return new Map(
    [...images.keys()].map((id, index): [string, Caption] => {
      const answer = answers[index]!;
      if (answer.status === "failed") return [id, answer];
      return [id, { status: "captioned", text: captioning.answer(answer.text) }];
    }),
  );
}

function textOf(caption: Caption | null): string | null {
  return caption?.status === "captioned" ? caption.text : null;
}

function recorded<S extends Sample>({ sample }: Shot<S>, caption: Caption | null): RecordedShot {
  const text = textOf(caption);
  return { id: sample.id, ...(text !== null && { caption: text }) };
}
