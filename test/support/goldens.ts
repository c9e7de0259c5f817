/** The reference's answers on the bundled checkpoints (fixtures/goldens), as the tests read them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../../models/checkpoint/checkpoint.ts";
import { fp32Weights } from "../../models/checkpoint/float-weights.ts";
import { loadImageTokens } from "../../models/features/load-image-tokens.ts";
import type { Hypothesis } from "../../models/generation/search.ts";
import { loadImageEncoder } from "../../models/image-encoder.ts";
import { readPixelSettings } from "../../models/image/read-pixel-settings.ts";
import type { DecodingOptions } from "../../models/model.ts";
import { readSafetensorsHeader, readTensor } from "../../models/checkpoint/safetensors.ts";
import { Weights } from "../../models/checkpoint/weights.ts";
import { floats } from "../../models/runtime.ts";
import { cacheFolder, projectRoot } from "./project.ts";

export interface GoldenOutput {
  readonly new_tokens: readonly number[];
  readonly score: number | null;
  readonly text: string;
  readonly answer: string;
}

export interface GoldenGeneration {
  readonly prompts: readonly {
    readonly image: number;
    readonly image_id: number;
    readonly image_file: string;
    readonly text: string | null;
    readonly input_ids: readonly number[];
  }[];
  readonly runs: readonly {
    readonly prompt: number;
    readonly settings: GoldenSettings;
    readonly outputs: readonly GoldenOutput[];
  }[];
  readonly batch: {
    readonly prompts: readonly number[];
    readonly settings: GoldenSettings;
    readonly outputs: readonly GoldenOutput[];
  };
}

/** As given to transformers' `generate`. */
export interface GoldenSettings {
  readonly num_beams: number;
  readonly max_new_tokens: number;
  readonly min_new_tokens?: number;
  readonly min_length?: number;
  readonly length_penalty?: number;
  readonly repetition_penalty?: number;
  readonly early_stopping?: boolean | "never";
  readonly num_return_sequences?: number;
}

export function goldenJson(checkpoint: string, file: string): unknown {
  return JSON.parse(readFileSync(path.join(folder(checkpoint), file), "utf8"));
}

export function goldenGeneration(checkpoint: string): GoldenGeneration {
  return goldenJson(checkpoint, "generation.json") as GoldenGeneration;
}

export class GoldenTensors {
  readonly #entries: Awaited<ReturnType<typeof readSafetensorsHeader>>;

  private constructor(entries: Awaited<ReturnType<typeof readSafetensorsHeader>>) {
    this.#entries = entries;
  }

  static async of(checkpoint: string): Promise<GoldenTensors> {
    return new GoldenTensors(await readSafetensorsHeader(path.join(folder(checkpoint), "tensors.safetensors")));
  }

  async floats(name: string): Promise<Float32Array> {
    return readTensor(this.#entry(name));
  }

  shape(name: string): readonly number[] {
    return this.#entry(name).shape;
  }

  #entry(name: string) {
    const entry = this.#entries.get(name);
    assert.ok(entry, `no golden tensor "${name}"`);
    return entry;
  }
}

/** A bundled checkpoint and its weights. */
export async function bundled(name: string): Promise<{ readonly checkpoint: Checkpoint; readonly weights: Weights }> {
  const options = { cacheFolder, hubCache: path.join(cacheFolder, "no-hub") };
  const checkpoint = await openCheckpoint(path.join(projectRoot, "models", "bundled", name), options);
  return { checkpoint, weights: Weights.of(name, await fp32Weights(checkpoint, options)) };
}

/** Soft prompts of pixels [3, height, width] each, as the image encoder of a bundled checkpoint makes them in one batch. */
export async function softPromptsOf(
  { checkpoint, weights, width }: Awaited<ReturnType<typeof bundled>> & { readonly width: number },
  pixels: readonly Float32Array[],
): Promise<Float32Array> {
  const { config } = checkpoint;
  assert.ok(config.kind === "generation");
  const options = { threads: 1, cacheFolder };
  const settings = await readPixelSettings(checkpoint);
  const images = await loadImageTokens(checkpoint, { weights, pixels: settings }, options);
  const encoder = await loadImageEncoder(config, { weights, images, width }, options);
  const loaded = pixels.map(
    (values) => ({ status: "loaded", hash: null, kind: "pixels", values, latencyMs: {} }) as const,
  );
  const { softPrompts } = await encoder.encode(loaded.map((image) => ({ image, prompt: null })));
  await encoder.release();
  return floats(softPrompts);
}

/** `least`: the new tokens that the reference's min_length comes to, which counts other tokens, too. */
export function decodingOptions(settings: GoldenSettings, least: (minLength: number) => number): DecodingOptions {
  const min = Math.max(settings.min_new_tokens ?? 0, least(settings.min_length ?? 0));
  return {
    beams: settings.num_beams,
    newTokens: { min, max: settings.max_new_tokens },
    lengthPenalty: settings.length_penalty ?? 1,
    repetitionPenalty: settings.repetition_penalty ?? 1,
    earlyStopping: settings.early_stopping ?? false,
  };
}

/** The reference fills short sequences up behind their end token. */
export function withoutFilling(tokens: readonly number[], endTokens: readonly number[]): readonly number[] {
  const end = tokens.findIndex((token) => endTokens.includes(token));
  return end === -1 ? tokens : tokens.slice(0, end + 1);
}

/**
 * Tokens are equal; the sum of log-probabilities, which is what is computed, is within 1e-4. The score itself is that sum
 * divided by length ^ length penalty: with -1 and thirty tokens it is thirty times as large, and so is its rounding.
 */
export function assertSame(
  actual: Hypothesis,
  expected: GoldenOutput,
  settings: GoldenSettings,
  endTokens: readonly number[],
): void {
  assert.deepEqual(actual.tokens, withoutFilling(expected.new_tokens, endTokens));
  if (expected.score === null) {
    assert.equal(actual.score, null);
    return;
  }
  const scale = actual.tokens.length ** (settings.length_penalty ?? 1);
  const difference = Math.abs(actual.score! - expected.score) * scale;
  assert.ok(difference <= 1e-4, `score ${String(actual.score)}, expected ${expected.score}`);
}

export function largestDifference(actual: Float32Array, expected: Float32Array): number {
  assert.equal(actual.length, expected.length);
  return actual.reduce((most, value, index) => Math.max(most, Math.abs(value - expected[index]!)), 0);
}

/**
 * Fails unless all numbers are within 1e-4 of the reference's. Both sides add up the same fp32 products in another order;
 * what was seen is below 1e-5, and a wrong operator is off by more than 1e-2.
 */
export function assertClose(actual: Float32Array, expected: Float32Array, what: string): void {
  const difference = largestDifference(actual, expected);
  assert.ok(difference <= 1e-4, `${what}: off by ${difference}`);
}

function folder(checkpoint: string): string {
  return path.join(projectRoot, "test", "fixtures", "goldens", checkpoint);
}
