/** Starts the server of `try`. All settings are checked before it listens. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parsePrecision } from "../../models/checkpoint/precision.ts";
import { precisionOn, unfitPart } from "../../models/device/device-precisions.ts";
import { chooseDevice } from "../catalog/device.ts";
import type { DeviceRequest } from "../catalog/device-request.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { packageVersion } from "../catalog/provenance.ts";
import type { Answering } from "./answers.ts";
import { FairQueue } from "./fair-queue.ts";
import { hostsOf } from "./guard.ts";
import { KeptCheckpoints } from "./kept-checkpoints.ts";
import { limitsWith } from "../../models/image/image-processor.ts";
import { KeptImages, usualStoreLimits } from "./kept-images.ts";
import { LinkedSamples } from "./linked-samples.ts";
import { listen } from "./listen.ts";
import { offeredCheckpoints } from "./offered-checkpoints.ts";
import { readPageFiles } from "./page-files.ts";
import { createServer } from "./server.ts";
import { dataFolder } from "../catalog/data-folder.ts";

export interface TrySettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly models: readonly string[];
  readonly precisions: readonly string[];
  readonly threads: number;
  readonly device: DeviceRequest;
  /** Absolute. */
  readonly cache: string;
  readonly runs: readonly string[];
  /** Absolute folder of the data set's files; null: the folders in the runs' records. */
  readonly data: string | null;
  /** Number of checkpoints that stay loaded. */
  readonly keepModels: number;
  readonly maxUploadBytes: number;
  /** Largest width × height of an image; null: the default limit. */
  readonly maxPixels: number | null;
}

export interface Serving {
  readonly port: number;
  /** Stops running answers, the models and the server at once. */
  readonly stop: () => Promise<void>;
}

/** Receives the server's messages; the Terminal of a command is one. */
export interface ServerLog {
  preparation(event: PreparationEvent): void;
  message(text: string): void;
  error(text: string): void;
}

export interface TryingOptions {
  readonly catalog: Catalog;
  readonly hubCache: string;
  readonly terminal: ServerLog;
}

const mostWaiting = 200; // 25 users with eight answers each
const sampleCount = 12;

/** Throws a UsageError, a CheckpointError or a RunFolderError for settings that cannot be used. */
export async function startTrying(
  settings: TrySettings,
  { catalog, hubCache, terminal }: TryingOptions,
): Promise<Serving> {
  const { host, cache: cacheFolder, threads } = settings;
  const data = await dataFolder(settings.data, hubCache);
  const linked = await LinkedSamples.of(settings.runs, { catalog, data });
  const ofRuns = linked.madeWith.map(({ checkpoint }) => checkpoint);
  const offered = await offeredCheckpoints({ models: settings.models, ofRuns }, catalog, { hubCache, cacheFolder });
  const { device } = await chooseDevice(settings.device, {
    onPreparation: terminal.preparation.bind(terminal),
    onMessage: terminal.message.bind(terminal),
  });
  const asked = [...settings.precisions, ...linked.madeWith.map(({ precision }) => precision)];
  const precisions = [...new Set(asked)].filter(
    (each) => unfitPart(precisionOn(parsePrecision(each), device), device) === null,
  );
  const sizes = limitsWith(settings.maxPixels);
  const kept = new KeptCheckpoints({ most: settings.keepModels, entry: catalog.tryEntry ?? null });
  const answering: Answering = {
    queue: new FairQueue({ most: mostWaiting }),
    kept,
    offered,
    precisions,
    placeOf: ({ where }, precision) => ({
      where,
      precision,
      hubCache,
      cacheFolder,
      threads,
      device: device.provider,
      deviceId: device.id,
      maxPixels: settings.maxPixels,
    }),
  };
  const samples = await bundledPictures(catalog.dataFolder);
  const stopped = new AbortController();
  let hosts: ReadonlySet<string> = new Set();
  const app = createServer({
    files: await readPageFiles(),
    samples,
    state: {
      version: await packageVersion(),
      checkpoints: offered.map(({ name, does, from }) => ({ name, does, from })),
      precisions,
      samples: samples.length,
      limits: { uploadBytes: settings.maxUploadBytes, pixels: sizes.pixels },
    },
    images: new KeptImages({ ...usualStoreLimits, sizes }),
    linked,
    answering,
    hosts: () => hosts,
    signal: stopped.signal,
    onMistake: (error) => {
      terminal.error(error.stack ?? error.message);
    },
  });
  const listening = await listen(app, settings);
  hosts = hostsOf(host, listening.port);
  return {
    port: listening.port,
    stop: async () => {
      stopped.abort();
      await Promise.all([kept.end(), listening.close()]);
    },
  };
}

/** Paths of some bundled pictures, evenly spread over all of them. */
async function bundledPictures(dataFolder: string): Promise<readonly string[]> {
  const folder = join(dataFolder, "val2014");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".jpg")).sort();
  const step = Math.max(1, Math.floor(names.length / sampleCount));
  return names
    .filter((_, index) => index % step === 0)
    .slice(0, sampleCount)
    .map((name) => join(folder, name));
}
