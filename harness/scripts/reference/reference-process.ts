/**
 * Runs transformers in a Python process (reference.py); requests and answers are one line of JSON each. Script and
 * images are sent as text, so Python may run in a chroot or a container; it must only see the checkpoint's folder.
 */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import * as z from "zod";
import { imageBytes } from "../../../models/image/image-processor.ts";
import type { DecodingOptions, GenerationRequest } from "../../../models/model.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export const referenceTypes = ["float32", "bfloat16"] as const;
export type ReferenceType = (typeof referenceTypes)[number];

export interface ReferenceOptions {
  /** The command that starts Python, split at spaces: `python3`, or `chroot ROOT env NAME=value python3`. */
  readonly python: string;
  /** Path of the checkpoint as the Python process sees it. */
  readonly checkpoint: string;
  readonly dtype: ReferenceType;
  readonly threads: number;
}

/** What the reference reports about itself once its model is loaded. */
export const referenceFactsSchema = z.object({
  torch: z.string(),
  transformers: z.string(),
  /** The library that computes matrix products in fp32; null: not known. */
  blas: z.string().nullable(),
  instructions: z.string(),
  /** Type of the language model's weights after loading. */
  dtype: z.string(),
  threads: z.number(),
  oneRowBytesPerSecond: z.number(),
  loadSeconds: z.number(),
});
export type ReferenceFacts = z.infer<typeof referenceFactsSchema>;

const answeredSchema = z.object({ seconds: z.number(), texts: z.array(z.string()) });

/** Characters from the end of standard error that an error message quotes. */
const lastWords = 2000;

export class ReferenceProcess {
  readonly facts: ReferenceFacts;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, facts: ReferenceFacts) {
    this.#child = child;
    this.#lines = lines;
    this.facts = facts;
  }

  /** Throws a UsageError where the command does not start, or a module that the script imports is missing. */
  static async start({ python, checkpoint, dtype, threads }: ReferenceOptions): Promise<ReferenceProcess> {
    const script = await readFile(
      new URL("../../../../harness/scripts/reference/reference.py", import.meta.url),
      "utf8",
    );
    const [command = "", ...words] = python.split(" ").filter((word) => word !== "");
    const flags = ["--checkpoint", checkpoint, "--dtype", dtype, "--threads", String(threads)];
    const child = spawn(command, [...words, "-c", script, ...flags]);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-lastWords)));
    child.stdin.on("error", () => undefined); // the process has ended; the missing answer is reported below
    const failed = new Promise<never>((_, reject) => child.once("error", reject));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    try {
      const facts = referenceFactsSchema.parse(await Promise.race([nextLine(lines), failed]));
      return new ReferenceProcess(child, lines, facts);
    } catch (cause) {
      child.kill();
      const reason = said.trim().split("\n").at(-1) ?? "";
      const words = reason === "" && cause instanceof Error ? cause.message : reason;
      throw new UsageError(
        `--python ${python}: no reference: ${words}. Expected a Python with torch, transformers and Pillow; with another ` +
          "root, --reference-folder names the checkpoint as it is seen there.",
        { cause },
      );
    }
  }

  /** Process id of the command that was started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Answers these questions in batches of `batch`; gives the seconds that took, and the answers. */
  async answer(
    requests: readonly GenerationRequest[],
    decoding: DecodingOptions,
    batch: number,
  ): Promise<z.infer<typeof answeredSchema>> {
    const images = await Promise.all(requests.map(async ({ image }) => (await imageBytes(image)).toString("base64")));
    const { beams, newTokens, lengthPenalty } = decoding;
    const asked = {
      images,
      batch,
      beams,
      lengthPenalty,
      prompts: requests.map(({ prompt }) => prompt),
      minNewTokens: newTokens.min,
      maxNewTokens: newTokens.max,
    };
    this.#child.stdin.write(`${JSON.stringify(asked)}\n`);
    return answeredSchema.parse(await nextLine(this.#lines));
  }

  release(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<unknown> {
  const line = await lines.next();
  if (line.done === true) throw new Error("the reference's process ended before it answered");
  return JSON.parse(line.value);
}
