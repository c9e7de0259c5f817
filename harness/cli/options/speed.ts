/** Options for devices, threads, batches and caches. They affect speed; answers stay equal. */
import * as z from "zod";
import { generationWays } from "../../../models/generation/generation-way.ts";
import { deviceChoices, deviceRequest } from "../../catalog/device-request.ts";
import type { DeviceRequest } from "../../catalog/device-request.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { decimal, unexpected, wholeFrom } from "../../catalog/values.ts";
import { defaultBatchSize } from "../../evaluation/run-config.ts";
import { byteAmount, choice, folder, single, value } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Kind, Option, Values } from "./option.ts";

const { option, toggle } = optionsUnder("Speed");
const usualImageThreads = 0; // on two cores, separate threads for images made no run faster: see DECISIONS.md

export const threads = option("--threads <n>", "threads to compute with", {
  kind: value(wholeFrom(1)),
  usual: "all",
  otherwiseIn: () => usableProcessors(),
});

/** Folder for converted weights and features, made absolute. */
export const cache = option("--cache <folder>", "what is kept between runs", {
  kind: folder,
  usual: "blip2-bench in the user's cache folder",
  otherwiseIn: ({ cacheFolder }) => cacheFolder,
});

export const device = {
  device: option("--device <name>", "auto, cpu, cuda, webgpu, coreml or dml; see doctor", {
    kind: choice(deviceChoices),
    usual: "cpu",
  }),
  deviceId: option("--device-id <n>", "which of several cuda or dml devices", {
    kind: value(wholeFrom(0)),
    usual: "0",
  }),
};

/** Throws a UsageError for a device id on a device that has no ids. */
export function deviceOf(values: Values<typeof device>): DeviceRequest {
  return deviceRequest(values.device, values.deviceId);
}

/** The option --batch-size as a fixed number, without `auto`. */
export function batchSizeOption(help: string): Option<number> {
  const kind = value(wholeFrom(1));
  return option("-b, --batch-size <n>", help, { kind, otherwise: defaultBatchSize });
}

const batchSizeOrAuto: Kind<number | "auto"> = single(
  z.union([z.int().min(1), z.literal("auto")]),
  ["auto"],
  (typed, where) => {
    if (typed === "auto") return typed;
    const number = decimal(typed);
    if (Number.isSafeInteger(number) && number >= 1) return number;
    throw unexpected(where, typed, "a whole number from 1, or auto");
  },
);

export const runSpeed = {
  batchSize: option("-b, --batch-size <n>", "questions a batch; auto measures what is fastest, but for retrieval", {
    kind: batchSizeOrAuto,
    otherwise: defaultBatchSize,
  }),
  memoryBudget: option("--memory-budget <amount>", "what batches may take with --batch-size auto, such as 4GB", {
    kind: byteAmount("500MB or 4GB"),
    usual: "half of the free",
    otherwise: null,
  }),
  threads,
  imageThreads: option("--image-threads <n>", "threads that decode and resize images beside a model that generates", {
    kind: value(wholeFrom(0)),
    otherwise: usualImageThreads,
  }),
  workers: option("--workers <n>", "processes a model computes in, which share the threads", {
    kind: value(wholeFrom(1)),
    usual: "1, this one",
    otherwise: 1,
  }),
  cache,
  keepFeatures: toggle(
    "--keep-features",
    "keep what the image encoder makes, for the next checkpoint or task with the same one",
  ),
  ...device,
};

export const generation = option("--generation <where>", "the loop over tokens: stepwise, in one graph, or auto", {
  kind: choice(generationWays),
  usual: "auto",
  otherwise: "auto" as const,
});

/** Throws a UsageError for --memory-budget without `--batch-size auto`, where it has no effect. */
export function refuseIdleBudget({
  memoryBudget,
  batchSize,
}: Pick<Values<typeof runSpeed>, "memoryBudget" | "batchSize">): void {
  if (memoryBudget === null || batchSize === "auto") return;
  throw new UsageError("--memory-budget: is for --batch-size auto, which was not given.");
}
