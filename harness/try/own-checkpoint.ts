/** A checkpoint of BLIP-2 as `try` asks it: asked as `caption`, `ask` and `match` ask theirs. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../models/checkpoint/precision.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { loadCheckpoint } from "../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../models/load-blip2-retrieval.ts";
import { ImageError } from "../../models/model.ts";
import type { DecodingOptions, ImageFile, ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import { captioning, questionAnswering, textMatching } from "../../tasks/own-image.ts";
import { withSampling } from "../ride/sampling-flags.ts";
import type { TriedCheckpoint, TriedGenerator, TriedOptions, TriedScorer, TriedText } from "./answer-question.ts";
import type { CheckpointPlace } from "./checkpoint-messages.ts";
import type { Decoding, Turn } from "./wire.ts";

const protocol = "paper";

export async function loadOwnCheckpoint(
  { where, precision, maxPixels, ...place }: CheckpointPlace,
  onPreparation: (event: PreparationEvent) => void,
): Promise<TriedCheckpoint> {
  const options = {
    ...place,
    ...(maxPixels !== null && { maxPixels }),
    precision: parsePrecision(precision),
    onPreparation,
  };
  const checkpoint = await openCheckpoint(where, options);
  const images = new ImageFiles();
  if (checkpoint.config.kind === "retrieval") return scorer(await loadRetrievalCheckpoint(checkpoint, options), images);
  return generator(await loadCheckpoint(checkpoint, options), images);
}

/** Bytes as files, which models read: the last one that was asked about. */
class ImageFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), "blip2-bench-try-"));
  #last: ImageFile | null = null;

  constructor() {
    process.on("exit", () => {
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  of(bytes: Uint8Array): ImageFile {
    const id = createHash("sha256").update(bytes).digest("hex");
    if (this.#last?.id === id) return this.#last;
    if (this.#last !== null) rmSync(this.#last.path, { force: true });
    this.#last = { id, path: join(this.#folder, id) };
    writeFileSync(this.#last.path, bytes);
    return this.#last;
  }
}

function generator(model: VisionLanguageModel, images: ImageFiles): TriedGenerator {
  const { family } = model;
  const say = async (
    image: Uint8Array,
    prompt: string | null,
    { decoding, onText, signal, usual }: TriedOptions & { readonly usual: DecodingOptions },
  ): Promise<TriedText> => {
    const start = performance.now();
    const options = withSampling(decodingOf(usual, decoding), samplingOf(decoding));
    const [answer] = await model.generate([{ image: images.of(image), prompt }], options);
    signal.throwIfAborted();
    if (answer?.status !== "predicted") throw new ImageError(answer?.error ?? "no answer came");
    const text = answer.text.trim();
    onText(text);
    return { text, score: answer.score, latencyMs: answer.latencyMs, firstTextMs: performance.now() - start };
  };
  const ask = (image: Uint8Array, prompt: string | null, options: TriedOptions): Promise<TriedText> =>
    say(image, prompt, { ...options, usual: questionAnswering.decoding(family, protocol) });
  return {
    kind: "generation",
    caption: (image, options) =>
      say(image, options.prompt, { ...options, usual: captioning.decoding(family, protocol) }),
    ask: (image, question, options) => ask(image, questionAnswering.prompt(question, family, protocol), options),
    chat: (image, begun) => {
      const turns: Turn[] = [...begun];
      return {
        turns,
        ask: async (question, options) => {
          const before = turns.map((turn) => `Question: ${turn.question} Answer: ${turn.answer}. `).join("");
          const said = await ask(image, `${before}Question: ${question} Answer:`, options);
          turns.push({ question, answer: said.text });
          return { ...said, droppedTurns: 0 };
        },
      };
    },
  };
}

function decodingOf(usual: DecodingOptions, { beams, maxNewTokens }: Decoding): DecodingOptions {
  const max = maxNewTokens ?? usual.newTokens.max;
  return { ...usual, beams: beams ?? usual.beams, newTokens: { min: Math.min(usual.newTokens.min, max), max } };
}

function samplingOf({ sampling }: Decoding): Parameters<typeof withSampling>[1] {
  return sampling === null ? null : { ...sampling, topK: null };
}

function scorer(model: ImageTextScorer, images: ImageFiles): TriedScorer {
  return {
    kind: "retrieval",
    match: async (bytes, texts) => {
      const image = images.of(bytes);
      const read = model.readTexts(texts.map(textMatching.text), textMatching);
      const [embedded] = await model.embedImages([image]);
      if (embedded?.status !== "embedded") throw new ImageError(embedded?.error ?? "no answer came");
      const matched = await model.match(image, read);
      if (matched.status === "failed") throw new ImageError(matched.error);
      const similarities = await model.compare([embedded.vectors], await model.embedTexts(read));
      return {
        texts: texts.map((text, index) => ({
          text,
          matching: matched.probabilities[index]!,
          similarity: similarities[index]!,
        })),
        latencyMs: { ...embedded.latencyMs, ...matched.latencyMs },
      };
    },
  };
}
