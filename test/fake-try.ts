/**
 * A checkpoint as `try` asks it that answers at once, or word by word where it is asked to do so slowly: for tests of the page
 * and its server. What it says shows what it was asked.
 */
import { setTimeout } from "node:timers/promises";
import type { TriedCheckpoint, TriedOptions, TriedText } from "../harness/try/answer-question.ts";
import { CheckpointError, ImageError } from "../models/model.ts";

const slowWordMs = 60;

async function say(text: string, { signal, onText, decoding }: TriedOptions): Promise<TriedText> {
  const wordMs = text.includes("slowly") ? slowWordMs : 0;
  const start = performance.now();
  const words = text.split(" ");
  let firstTextMs: number | null = null;
  for (const [index] of words.entries()) {
    if (wordMs > 0) await setTimeout(wordMs);
    signal.throwIfAborted();
    firstTextMs ??= performance.now() - start;
    onText(words.slice(0, index + 1).join(" "));
  }
  return {
    text,
    tokens: words.map((word, index) => ({ text: `${index === 0 ? "" : " "}${word}`, probability: 1 / (1 + index) })),
    score: decoding.sampling === null ? -0.25 : null,
    latencyMs: { imageDecode: 1.5, vision: 30, qFormer: 6, prefill: 9, decode: 20 },
    firstTextMs,
  };
}

/** `where` ends with "itm" for one that matches, with "broken" for one that cannot be loaded. */
export function fakeTried(where: string, precision: string): TriedCheckpoint {
  if (where.endsWith("broken")) throw new CheckpointError(`${where}: no config.json in it.`);
  const name = `${where} ${precision}`;
  if (where.endsWith("itm")) {
    return {
      kind: "retrieval",
      match: (_image, texts) =>
        Promise.resolve({
          texts: texts.map((text, index) => ({ text, matching: 1 / (2 + index), similarity: 0.1 * index })),
          latencyMs: { vision: 30, matching: 12 },
        }),
    };
  }
  return {
    kind: "generation",
    caption: (image, given) => {
      if (image.length % 1000 === 13) throw new ImageError("the image: the JPEG file is truncated.");
      return say(`${given.prompt ?? "an image"} of ${image.length} bytes by ${name}`, given);
    },
    ask: (_image, question, given) => {
      if (question === "die") process.exit(7);
      if (question === "block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700); // as a model does
      return say(`you asked: ${question}`, given);
    },
    chat: (_image, begun) => {
      const turns = [...begun];
      return {
        turns,
        ask: async (question, given) => {
          const said = await say(`turn ${turns.length + 1}: ${question}`, given);
          turns.push({ question, answer: said.text });
          return { ...said, droppedTurns: turns.length > 3 ? 1 : 0 };
        },
      };
    },
  };
}
