/** Samples → what a model is asked about each: its image, and its prompt behind the shots that were drawn for it. */
import type { Sample } from "../../../datasets/dataset.ts";
import type { Batching, GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import type { RecordedShot } from "../../../reports/records/run-record.ts";
import { captioning } from "../../../tasks/own-image.ts";
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
  const drawn = samples.map((sample) => shots?.of(sample) ?? []);
  const captions = await captionsOf(model, drawn.flat(), shots?.captions ?? null, size);
  return samples.map((sample, index) => {
    const shown = drawn[index]!.map((shot) => ({ ...shot, caption: captions.get(shot.sample.image.id) ?? null }));
    const texts = shown.map((shot) => shotText(asking.prompt(shot.sample), shot.answer, textOf(shot.caption)));
    const request = {
      image: sample.image,
      prompt: withShots(texts, asking.prompt(sample)),
      ...(maxPromptTokens !== null && { maxPromptTokens }),
    };
    const faults = shown.flatMap(({ sample: { id }, caption }) =>
      caption?.status === "failed" ? [`its shot ${id} has no caption: ${caption.error}`] : [],
    );
    return { sample, request, shots: shown.map(recorded), fault: faults[0] ?? null };
  });
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

function recorded<S extends Sample>({ sample, caption }: Shot<S> & { readonly caption: Caption | null }): RecordedShot {
  const text = textOf(caption);
  return { id: sample.id, ...(text !== null && { caption: text }) };
}
