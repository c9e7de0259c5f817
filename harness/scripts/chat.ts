/**
 * Times a conversation, on a checkpoint with the layer sizes of a real one and random weights, written at the start:
 *
 *   npm run bench:chat -- [--shape base] [--folder scratch/base] [--threads 2] [--turns 4] [--rounds 3]
 *
 * One JSON object a line: for each turn, the median over rounds of the milliseconds until the first token of the
 * answer, measured twice: inside the conversation, where keys and values of earlier turns are kept, and with the whole
 * prompt asked alone about an image that no earlier call has encoded. The two are timed alternately, so compare their
 * ratio; they must give equal tokens. Answers have one token. Random weights mostly choose a token outside the
 * tokenizer's vocabulary, so only the questions lengthen the context.
 */
import { readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { generationShapes } from "../../models/checkpoint/random-shapes.ts";
import { loadCheckpoint } from "../library/api.ts";
import type { GeneratedText, GeneratingCheckpoint, TextOptions } from "../library/api.ts";
import { bundledData } from "../catalog/catalog.ts";
import { usableProcessors } from "../catalog/usable-processors.ts";
import { median } from "../statistics/medians.ts";
import { unknownName } from "../catalog/usage-error.ts";
import { print, provideCheckpoint, readFlags, round, runBenchmark } from "./bench-report.ts";

const questions = [
  "which color is the small triangle in the picture?",
  "how many circles are there, and how large are they?",
  "is there a star?",
  "what is to the left of the green square?",
  "and what is below it?",
];

async function main(): Promise<void> {
  const flags = readFlags("bench:chat", defaults, process.argv.slice(2));
  const shapes = new Map(Object.entries(generationShapes));
  const name = flags.text("shape");
  const shape = shapes.get(name);
  if (shape === undefined) throw unknownName(`--shape ${name}`, "shape", { name, names: [...shapes.keys()] });
  const folder = flags.text("folder") || path.join(tmpdir(), `blip2-bench-${name}`);
  await provideCheckpoint(folder, shape);
  const [threads, turns] = [flags.count("threads"), flags.count("turns")];
  const cacheFolder = path.join(tmpdir(), "blip2-bench-cache");
  const checkpoint = await loadCheckpoint(folder, { threads, cacheFolder, hubCache: "" });
  if (checkpoint.kind !== "generation") throw new Error(`${checkpoint.name} generates no text`);
  const options = { beams: 1, minNewTokens: 1, maxNewTokens: 1, tokenProbabilities: true };

  const kept: number[][] = [];
  const alone: number[][] = [];
  // the first round warms up and is not counted
  await oneRound(checkpoint, { image: await picture(0), turns: 2, options });
  for (let each = 1; each <= flags.count("rounds"); each += 1) {
    for (const [turn, times] of (
      await oneRound(checkpoint, { image: await picture(each), turns, options })
    ).entries()) {
      (kept[turn] ??= []).push(times.keptMs);
      (alone[turn] ??= []).push(times.aloneMs);
    }
  }
  await checkpoint.release();
  const first = median(kept[0] ?? []);
  for (const [turn, times] of kept.entries()) {
    const [keptMs, aloneMs] = [median(times), median(alone[turn] ?? [])];
    print({
      turn: turn + 1,
      firstTokenMs: round(keptMs),
      wholePromptMs: round(aloneMs),
      sooner: round(aloneMs / keptMs, 2),
      soonerThanFirstTurn: round(first / keptMs, 2),
      threads,
      shape: name,
    });
  }
}

const defaults = { shape: "base", folder: "", threads: usableProcessors(), turns: 4, rounds: 3 };

interface TurnTimes {
  readonly keptMs: number;
  readonly aloneMs: number;
}

async function oneRound(
  checkpoint: GeneratingCheckpoint,
  { image, turns, options }: { readonly image: Uint8Array; readonly turns: number; readonly options: TextOptions },
): Promise<readonly TurnTimes[]> {
  const chat = checkpoint.chat(image, options);
  const times: TurnTimes[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const question = questions[turn % questions.length] ?? "";
    const prompt = chat.prompt(question);
    const start = performance.now();
    const answer = await chat.ask(question);
    const middle = performance.now();
    const whole = await checkpoint.caption(again(image, turn), { ...options, prompt });
    times.push({ keptMs: middle - start, aloneMs: performance.now() - middle });
    checkSame(answer, whole);
  }
  return times;
}

function checkSame(answer: GeneratedText, whole: GeneratedText): void {
  const [own, other] = [answer, whole].map(({ tokens }) => (tokens ?? []).map(({ id }) => id).join());
  if (own !== other) throw new Error(`a conversation's answer differs from its whole prompt's: ${own}, ${other}`);
}

/** The bytes of a bundled picture; each round has a different one. */
async function picture(round: number): Promise<Uint8Array> {
  const folder = path.join(bundledData, "val2014");
  const names = (await readdir(folder)).sort();
  return readFile(path.join(folder, names[round % names.length] ?? ""));
}

/**
 * Appends bytes behind the end of an image file. Decoders ignore them, but the file's hash changes, so no cache knows
 * the image.
 */
function again(image: Uint8Array, turn: number): Uint8Array {
  return Buffer.concat([image, Buffer.from([turn])]);
}

await runBenchmark(main);
