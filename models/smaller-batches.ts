/**
 * A model on a device whose memory may run out: what does not fit is tried again with half as many at a time, down to one;
 * what does not fit alone has failed, and the others are answered. A size that did not fit is not tried again.
 */
import { OutOfDeviceMemoryError } from "./device/device-error.ts";
import type {
  CandidatesRequest,
  FailedGeneration,
  FailedImage,
  Generation,
  ImageFile,
  ImageTextScorer,
  Likelihoods,
  Matching,
  StageLatency,
  VisionLanguageModel,
  WeighedCandidates,
  WeighingBatching,
} from "./model.ts";

export interface SmallerBatchesOptions {
  /** Told of each size that does not fit. */
  readonly onNote: (message: string) => void;
}

/** Answers that were there before memory ran out are kept. */
export function inSmallerBatches(model: VisionLanguageModel, { onNote }: SmallerBatchesOptions): VisionLanguageModel {
  let most = Infinity;
  const { firstStep, weigh, weightsBytes, measurePrompt } = model;
  const generate: VisionLanguageModel["generate"] = async (requests, options, batching) => {
    const { onAnswer, ...choices } = batching ?? {
      size: Math.max(1, requests.length),
      refill: false,
      sharePrompt: false,
    };
    const answers = new Map<number, Generation | FailedGeneration>();
    const give = (request: number, answer: Generation | FailedGeneration): void => {
      if (answers.has(request)) return;
      answers.set(request, answer);
      onAnswer?.(request, answer);
    };
    let isAlone = false;
    while (answers.size < requests.length) {
      const rest = [...requests.keys()].filter((request) => !answers.has(request));
      const asked = isAlone ? rest.slice(0, 1) : rest;
      const size = Math.min(choices.size, most);
      const { onText } = options;
      try {
        const given = await model.generate(
          asked.map((request) => requests[request]!),
          {
            ...options,
            ...(onText !== undefined && {
              onText: (place: number, piece: string) => {
                onText(asked[place]!, piece);
              },
            }),
          },
          {
            ...choices,
            size,
            onAnswer: (place, answer) => {
              give(asked[place]!, answer);
            },
          },
        );
        for (const [place, answer] of given.entries()) give(asked[place]!, answer);
      } catch (error) {
        if (!(error instanceof OutOfDeviceMemoryError)) throw error;
        if (asked.length === 1) {
          give(asked[0]!, { status: "failed", error: `even alone, ${error.message}` });
        } else if (size === 1) {
          isAlone = true; // which of them it is, is not known
        } else {
          most = Math.max(1, Math.floor(Math.min(size, asked.length) / 2));
          onNote(`${error.message}. Going on with ${most} at a time instead of ${Math.min(size, asked.length)}.`);
        }
      }
    }
    return [...requests.keys()].map((request) => answers.get(request)!);
  };
  return {
    kind: model.kind,
    name: model.name,
    family: model.family,
    ...(weightsBytes !== undefined && { weightsBytes }),
    readAhead: (image) => model.readAhead(image),
    generate,
    ...(firstStep !== undefined && { firstStep }),
    ...(weigh !== undefined && { weigh: weighInSmallerBatches(weigh) }),
    ...(measurePrompt !== undefined && { measurePrompt: (prompt) => measurePrompt.call(model, prompt) }),
    release: () => model.release(),
  };
}

/** By halves, down to one request. */
function weighInSmallerBatches(weigh: NonNullable<VisionLanguageModel["weigh"]>): typeof weigh {
  const weighAll = async (
    requests: readonly CandidatesRequest[],
    batching: WeighingBatching,
  ): Promise<readonly (WeighedCandidates | FailedGeneration)[]> => {
    try {
      return await weigh(requests, batching);
    } catch (error) {
      if (!(error instanceof OutOfDeviceMemoryError)) throw error;
      if (requests.length === 1) return [{ status: "failed", error: `even alone, ${error.message}` }];
      const middle = Math.ceil(requests.length / 2);
      const smaller = { ...batching, size: Math.min(batching.size, middle) };
      return [
        ...(await weighAll(requests.slice(0, middle), smaller)),
        ...(await weighAll(requests.slice(middle), smaller)),
      ];
    }
  };
  return (requests, batching = { size: Math.max(1, requests.length), sharePrompt: false }) =>
    weighAll(requests, batching);
}

/** A model that ranks, in smaller batches where memory runs out: of images, and of texts that are matched with an image. */
export function rankInSmallerBatches(scorer: ImageTextScorer): ImageTextScorer {
  const { weightsBytes, forget } = scorer;
  const embedImages: ImageTextScorer["embedImages"] = async (images) => {
    try {
      return await scorer.embedImages(images);
    } catch (error) {
      if (!(error instanceof OutOfDeviceMemoryError)) throw error;
      if (images.length === 1) return [{ status: "failed", error: `even alone, ${error.message}` }];
      const middle = Math.ceil(images.length / 2);
      return [...(await embedImages(images.slice(0, middle))), ...(await embedImages(images.slice(middle)))];
    }
  };
  const match: ImageTextScorer["match"] = inHalves<Matching>(
    (image, texts) => scorer.match(image, texts),
    (first, second) => ({
      status: "matched",
      logits: Float32Array.of(...first.logits, ...second.logits),
      probabilities: Float32Array.of(...first.probabilities, ...second.probabilities),
      latencyMs: added(first.latencyMs, second.latencyMs),
    }),
  );
  const weighTexts: ImageTextScorer["weighTexts"] = inHalves<Likelihoods>(
    (image, texts) => scorer.weighTexts(image, texts),
    (first, second) => ({
      status: "weighed",
      logLikelihoods: Float32Array.of(...first.logLikelihoods, ...second.logLikelihoods),
      tokens: Int32Array.of(...first.tokens, ...second.tokens),
      latencyMs: added(first.latencyMs, second.latencyMs),
    }),
  );
  return {
    kind: scorer.kind,
    name: scorer.name,
    ...(weightsBytes !== undefined && { weightsBytes }),
    embedImages,
    readTexts: (texts, options) => scorer.readTexts(texts, options),
    embedTexts: (texts) => scorer.embedTexts(texts),
    compare: (images, texts) => scorer.compare(images, texts),
    match,
    weighTexts,
    ...(forget !== undefined && {
      forget: (images) => {
        forget.call(scorer, images);
      },
    }),
    release: () => scorer.release(),
  };
}

type AskOfTexts<Scores> = (image: ImageFile, texts: readonly (readonly number[])[]) => Promise<Scores | FailedImage>;

/** By halves of the texts, down to one; `join` puts the scores of two halves together. */
function inHalves<Scores extends Matching | Likelihoods>(
  ask: AskOfTexts<Scores>,
  join: (first: Scores, second: Scores) => Scores,
): AskOfTexts<Scores> {
  const askOf: AskOfTexts<Scores> = async (image, texts) => {
    try {
      return await ask(image, texts);
    } catch (error) {
      if (!(error instanceof OutOfDeviceMemoryError)) throw error;
      if (texts.length <= 1) return { status: "failed", error: `even with one text, ${error.message}` };
      const middle = Math.ceil(texts.length / 2);
      const first = await askOf(image, texts.slice(0, middle));
      if (first.status === "failed") return first;
      const second = await askOf(image, texts.slice(middle));
      return second.status === "failed" ? second : join(first, second);
    }
  };
  return askOf;
}

function added(first: StageLatency, second: StageLatency): StageLatency {
  const sum = { ...first };
  for (const [stage, ms] of Object.entries(second)) sum[stage] = (sum[stage] ?? 0) + ms;
  return sum;
}
