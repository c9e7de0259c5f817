/**
 * The library: `import { loadCheckpoint } from "blip2-bench"`. A checkpoint is loaded once and can then be asked any
 * number of questions; docs/api.md has examples. Where no cache folder is given, it reads HF_HOME and related variables
 * and XDG_CACHE_HOME, as the command line does.
 */
import { homedir } from "node:os";
import type * as z from "zod";
import { huggingFaceCacheFolder } from "../../models/checkpoint/hugging-face-cache.ts";
import { describePrecision, parsePrecision } from "../../models/checkpoint/precision.ts";
import { describingCheckpoint, generatingCheckpoint, matchingCheckpoint } from "./checkpoints.ts";
import { refuseUnknown } from "./text-options.ts";
import type { CheckpointOptions, DescribingCheckpoint, GeneratingCheckpoint, MatchingCheckpoint } from "./types.ts";
import { ownCacheFolder } from "../catalog/cache-folder.ts";
import { catalog } from "../catalog/catalog.ts";
import { checkpointPlace } from "../catalog/find-checkpoint.ts";
import { usableProcessors } from "../catalog/usable-processors.ts";
import { chooseDevice, checkPrecision } from "../catalog/device.ts";
import { deviceChoices, deviceRequest } from "../catalog/device-request.ts";
import { checkValue, oneOf, wholeFrom } from "../catalog/values.ts";

export type * from "./types.ts";
export { CheckpointError, ImageError } from "../../models/model.ts";
export { defineTask } from "../catalog/task-file/definition.ts";
export type {
  MetricDefinition,
  MetricFunction,
  PromptFunction,
  ScoredAnswer,
  TaskDefinition,
  TaskSample,
} from "../catalog/task-file/definition.ts";
export { UsageError } from "../catalog/usage-error.ts";

const options = [
  ...(["precision", "device", "deviceId", "threads", "cacheFolder", "hubCache", "maxPixels", "onPreparation"] as const),
] satisfies (keyof CheckpointOptions)[];

/**
 * `where`: a bundled name, a folder, or a name in the Hugging Face cache. Weights in another precision than that of the
 * files are converted once and kept in the cache folder.
 *
 * @throws CheckpointError for a checkpoint that is missing or broken; UsageError for an unknown name or option, and for
 * a device that does not start or does not support that precision.
 */
export async function loadCheckpoint(
  where: string,
  given: CheckpointOptions = {},
): Promise<GeneratingCheckpoint | MatchingCheckpoint | DescribingCheckpoint> {
  refuseUnknown(given, options);
  const { maxPixels, onPreparation } = given;
  const threads = checkedOption(wholeFrom(1), given, "threads") ?? usableProcessors();
  const asked = parsePrecision(given.precision ?? "fp32");
  checkedOption(wholeFrom(1), given, "maxPixels");
  const request = deviceRequest(
    checkedOption(oneOf(deviceChoices), given, "device"),
    checkedOption(wholeFrom(0), given, "deviceId"),
  );
  const { device } = await chooseDevice(request, { onPreparation });
  const precision = checkPrecision(asked, device, { onPreparation });
  const found = await catalog.findCheckpoint(checkpointPlace(catalog, where, "").where, {
    cacheFolder: given.cacheFolder ?? ownCacheFolder(process.env),
    hubCache: given.hubCache ?? huggingFaceCacheFolder(process.env, homedir()),
    threads,
    precision,
    device,
    generation: "stepwise", // token by token outside the graph, so that text can be shown as it grows
    ...(maxPixels !== undefined && { maxPixels }),
    ...(onPreparation !== undefined && { onPreparation }),
  });
  const described = describePrecision(precision);
  if (found.kind === "generation") return generatingCheckpoint(await found.load(), described);
  const scorer = await found.load();
  if (found.writer === undefined) return matchingCheckpoint(scorer, described);
  return describingCheckpoint(scorer, found.writer.load, described);
}

/** The value of an option, checked; undefined where it is not given. Throws a UsageError. */
function checkedOption<Value>(
  schema: z.ZodType<Value>,
  options: CheckpointOptions,
  name: keyof CheckpointOptions,
): Value | undefined {
  return options[name] === undefined ? undefined : checkValue(schema, options[name], name);
}
