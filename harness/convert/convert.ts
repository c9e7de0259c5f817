/**
 * From a file of LAVIS, or pickled weights of the hub's layout, to a checkpoint that `run` takes: planned and checked as a
 * whole, written shard by shard, opened at the end as any checkpoint is.
 */
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import type { Checkpoint, CheckpointOptions } from "../../models/checkpoint/checkpoint.ts";
import { makeFolder } from "../../models/checkpoint/make-folder.ts";
import { isTemporaryName, writeFileWhole } from "../../reports/records/atomic-file.ts";
import { writeOutput } from "../../reports/records/write-output.ts";
import { packageVersion } from "../catalog/provenance.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { LeftOut } from "./choose-tensors.ts";
import { writeFilesBeside, writeJson } from "./files-beside.ts";
import { modelCard } from "./model-card.ts";
import type { ConversionRequest } from "./parts.ts";
import { planConversion, planHubConversion } from "./plan.ts";
import type { Conversion } from "./plan.ts";
import { JOURNAL, SHARD_BYTES, writeShards } from "./write-shards.ts";

export interface ConvertOptions extends CheckpointOptions {
  readonly output: string;
  /** Largest file of weights, in bytes; unset: SHARD_BYTES. */
  readonly shardBytes?: number;
}

export interface Converted {
  readonly checkpoint: Checkpoint;
  readonly tensors: number;
  readonly leftOut: readonly LeftOut[];
  readonly shards: ReadonlyMap<string, string>;
}

/** `request.file`: a file of LAVIS, or the folder of a checkpoint whose weights are pytorch_model.bin. */
export async function convert(request: ConversionRequest, options: ConvertOptions): Promise<Converted> {
  const { output } = options;
  await checkOutput(output);
  const isFolder = (await stat(request.file).catch(() => null))?.isDirectory() === true;
  if (isFolder) refuseParts(request);
  const conversion = isFolder ? await planHubConversion(request.file, options) : await planConversion(request, options);
  const sources: [string, string][] = [];
  for (const { label, digest } of conversion.sources) sources.push([label, await digest()]);

  const title = path.basename(output);
  let shards: ReadonlyMap<string, string> = new Map();
  await writeOutput(output, "Give another folder with --output.", async () => {
    await makeFolder(output);
    shards = await writeShards({
      folder: output,
      tensors: conversion.tensors,
      digests: sources.map(([, digest]) => digest),
      shardBytes: options.shardBytes ?? SHARD_BYTES,
      onWritten: (doneBytes, totalBytes) =>
        options.onPreparation?.({ kind: "written", what: `${title}: weights`, doneBytes, totalBytes }),
    });
    await writeSmallFiles(conversion, { output, sources, shards });
  });
  const checkpoint = await openCheckpoint(output, options);
  await rm(path.join(output, JOURNAL));
  return { checkpoint, tensors: conversion.tensors.length, leftOut: conversion.leftOut, shards };
}

interface Written {
  readonly output: string;
  readonly sources: readonly (readonly [string, string])[];
  readonly shards: ReadonlyMap<string, string>;
}

async function writeSmallFiles(conversion: Conversion, { output, sources, shards }: Written): Promise<void> {
  const { filesFrom: from, imageSize, isStageOne, tensors, leftOut, config } = conversion;
  await writeFilesBeside({ from, to: output, imageSize, isStageOne });
  const card = modelCard({
    title: path.basename(output),
    version: await packageVersion(),
    sources,
    tensors: tensors.length,
    leftOut,
    shards,
    notes: conversion.notes,
  });
  await writeFileWhole(path.join(output, "README.md"), card);
  await writeJson(path.join(output, "config.json"), config);
}

function refuseParts({ file, kind, vision, language, tokenizer }: ConversionRequest): void {
  const given = Object.entries({ kind, vision, language, tokenizer }).find(([, value]) => value !== null);
  if (given === undefined) return;
  throw new UsageError(`--${given[0]}: ${file} is a whole checkpoint, of which only the form of its weights changes.`);
}

/** What is there must be a conversion that was begun; which one is told by its journal. */
async function checkOutput(output: string): Promise<void> {
  const names = await readdir(output).catch((): string[] => []);
  const ofJournal = new Set([JOURNAL]);
  if (names.includes(JOURNAL) || names.every((name) => isTemporaryName(name, ofJournal))) return;
  throw new UsageError(`--output ${output}: not empty, and no conversion was begun there. Give another folder.`);
}
