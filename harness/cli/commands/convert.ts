/** `blip2-bench convert`: the authors' own files, or pickled weights of the hub's layout → a checkpoint that `run` takes. */
import { convert as makeCheckpoint } from "../../convert/convert.ts";
import type { Converted } from "../../convert/convert.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode } from "../exit-code.ts";
import type { ConvertValues } from "./declared/look-after.ts";

/** Gives the exit code. */
export async function convert(
  { kind, vision, language, tokenizer, output, cache: cacheFolder }: ConvertValues,
  words: readonly string[],
  { terminal, isJson, hubCache }: Surroundings,
): Promise<number> {
  const [file] = words;
  if (file === undefined || words.length > 1) {
    throw new UsageError(
      `convert: found ${words.length} names, expected one: a .pth file, or a folder with pytorch_model.bin.`,
    );
  }
  if (output === null) throw new UsageError("convert: say with --output where the new checkpoint goes.");
  const onPreparation = terminal.preparation.bind(terminal);
  const converted = await makeCheckpoint(
    { file, kind, vision, language, tokenizer },
    { output, cacheFolder, hubCache, onPreparation },
  );
  terminal.result(isJson ? JSON.stringify(asJson(converted, output), null, 2) : describe(converted, output));
  return completeCode;
}

function asJson({ tensors, leftOut, shards, checkpoint }: Converted, output: string): object {
  return { output, tensors, bytes: checkpoint.weightBytes, shards: Object.fromEntries(shards), leftOut };
}

function describe({ tensors, leftOut, checkpoint }: Converted, output: string): string {
  const reasons = new Map<string, number>();
  for (const { reason } of leftOut) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [
    `${output}: ${tensors} tensors, ${readableBytes(checkpoint.weightBytes)}, read back and found right`,
    ...[...reasons].map(([reason, count]) => `left out: ${count} (${reason})`),
    "README.md there names every source with its SHA-256, and what was left out.",
  ].join("\n");
}
