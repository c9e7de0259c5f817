/**
 * first-step.f32 of a run folder: the probability of each token of the vocabulary as the first token of an answer, for
 * the first samples of a run, so that precisions can be compared later without loading models.
 *
 *   first-step.f32   log-probabilities [samples, vocabulary], float32, little endian
 *   first-step.json  ids of the samples, and the hash of first-step.f32
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeFileWhole } from "./atomic-file.ts";
import { systemCode } from "./run-folder-error.ts";

const valuesName = "first-step.f32";
const aboutName = "first-step.json";
export const firstStepNames = [valuesName, aboutName] as const;

export interface FirstSteps {
  /** Identity of the run that made them, see RunRecord. */
  readonly identity: string;
  /** Number of samples for which the probabilities were requested; failed samples have no row. */
  readonly asked: number;
  readonly ids: readonly string[];
  readonly vocabulary: number;
  /** Natural logarithms: [ids, vocabulary] */
  readonly logProbabilities: Float32Array;
}

const count = z.int().nonnegative();
const aboutSchema = z.object({
  format: z.literal("blip2-bench-first-step/1"),
  identity: z.string(),
  asked: count,
  ids: z.array(z.string()).readonly(),
  vocabulary: count,
  sha256: z.string(),
});

export async function writeFirstSteps(folder: string, { logProbabilities, ...about }: FirstSteps): Promise<void> {
  const bytes = bytesOf(logProbabilities);
  await writeFileWhole(join(folder, valuesName), bytes);
  const { identity, asked, ids, vocabulary } = about;
  const text = { format: "blip2-bench-first-step/1", identity, asked, ids, vocabulary, sha256: hashOf(bytes) };
  await writeFileWhole(join(folder, aboutName), `${JSON.stringify(text, null, 2)}\n`);
}

/** `damage`: what is wrong with the files, in a sentence. */
export type FoundFirstSteps =
  | { readonly status: "found"; readonly steps: FirstSteps }
  | { readonly status: "missing" }
  | { readonly status: "damaged"; readonly damage: string };

/** `identity`: identity of the run that they must belong to. */
export async function readFirstSteps(folder: string, identity: string): Promise<FoundFirstSteps> {
  const text = await read(join(folder, aboutName));
  const bytes = await read(join(folder, valuesName));
  if (text === null || bytes === null) return { status: "missing" };
  const about = parse(text.toString("utf8"));
  if (about === null)
    return { status: "damaged", damage: `${join(folder, aboutName)}: not as this version writes it.` };
  const { sha256, ids, vocabulary } = about;
  const found = hashOf(bytes);
  if (found !== sha256 || bytes.byteLength !== 4 * ids.length * vocabulary) {
    const damage = `${join(folder, valuesName)}: damaged: found SHA-256 ${found}, expected ${sha256}.`;
    return { status: "damaged", damage };
  }
  if (about.identity !== identity) {
    return { status: "damaged", damage: `${join(folder, aboutName)}: of another run than the one in its folder.` };
  }
  const logProbabilities = new Float32Array(ids.length * vocabulary);
  bytesOf(logProbabilities).set(bytes);
  return { status: "found", steps: { identity, asked: about.asked, ids, vocabulary, logProbabilities } };
}

async function read(path: string): Promise<Buffer | null> {
  return readFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  });
}

function parse(text: string): z.infer<typeof aboutSchema> | null {
  try {
    return aboutSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function bytesOf(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
