/** `blip2-bench try`: a page in the browser to try checkpoints on: caption, ask, chat, match. Serves until Ctrl-C. */
import { describePrecision, precisionNames } from "../../../models/checkpoint/precision.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { withDeviceFlags } from "../../catalog/device.ts";
import {
  cacheHelp,
  list,
  maxPixelsHelp,
  precisionHelp,
  refuseExcess,
  refuseFlagsAsValues,
  withOutputFlags,
} from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { watchInterrupt } from "../interrupt.ts";
import { byteAmount, integer, namesOrPaths, text, unexpected } from "../../catalog/flag-values.ts";
import { cacheFolderOf, readDevice, readPrecisions } from "../../evaluation/run-config.ts";
import type { RunFlags } from "../../evaluation/run-config.ts";
import { isLoopback } from "../../try/guard.ts";
import { startTrying } from "../../try/start-trying.ts";
import type { TrySettings } from "../../try/start-trying.ts";
import { readDataPlace } from "../../catalog/data-folder.ts";

interface TryFlags
  extends OutputFlags, Pick<RunFlags, "model" | "precision" | "threads" | "device" | "deviceId" | "cache"> {
  readonly port?: string;
  readonly host?: string;
  readonly runs?: readonly string[];
  readonly data?: string;
  readonly keepModels?: string;
  readonly maxUpload?: string;
  readonly maxPixels?: string;
}

const usualPort = 8080; // links in reports lead there
const usualUploadBytes = 20_000_000;
const usualKept = 2; // side by side, and memory for two is what most machines have

export const addTry: AddCommand = (program, called) => {
  const command = program.command("try").description("a page in your browser: caption, ask, chat and match");
  command
    .option("--port <n>", `where the page is served; 0 is any that is free (default: ${usualPort})`)
    .option("--host <address>", "another address than this machine's own, for others to use it (default: localhost)")
    .option("-m, --model <names>", "more checkpoints: folders, or names in the Hugging Face cache", list)
    .option("--precision <names>", precisionHelp, list)
    .option("--threads <n>", "threads to compute with (default: all)")
    .option("--runs <folder>", "run folders whose reports link here; may be given several times", list)
    .option("--data <folder>", "the data set's files of those runs, where they have moved")
    .option("--keep-models <n>", `checkpoints that stay loaded (default: ${usualKept})`)
    .option("--max-upload <amount>", "largest image file, such as 20MB (default: 20MB)")
    .option("--max-pixels <n>", maxPixelsHelp)
    .option("--cache <folder>", cacheHelp);
  withOutputFlags(withDeviceFlags(command)).action(() => {
    refuseExcess(command, 0);
    refuseFlagsAsValues(command);
    const flags = command.opts<TryFlags>();
    called({ flags, perform: (surroundings) => serve(readTry(flags, surroundings), surroundings) });
  });
};

/** Gives the exit code, after Ctrl-C. */
async function serve(settings: TrySettings, surroundings: Surroundings): Promise<number> {
  const { terminal } = surroundings;
  const stopped = new AbortController();
  const interrupt = watchInterrupt(() => {
    terminal.note("Stopping.");
    stopped.abort();
  });
  try {
    const serving = await startTrying(settings, surroundings);
    const host = isLoopback(settings.host) ? "localhost" : settings.host;
    const url = `http://${host}:${serving.port}/`;
    terminal.result(surroundings.isJson ? JSON.stringify({ url }) : url);
    if (!isLoopback(settings.host)) {
      terminal.message(
        `Warning: --host ${settings.host} lets every machine that reaches this one use its models, without a password.`,
      );
    }
    terminal.note("Open it in a browser. Ctrl-C ends it.");
    await new Promise<void>((resolve) => {
      if (stopped.signal.aborted) resolve();
      stopped.signal.addEventListener("abort", () => {
        resolve();
      });
    });
    await serving.stop();
    return interrupt.exitCode() ?? 0;
  } finally {
    interrupt.dispose();
  }
}

/** Throws a UsageError. */
function readTry(flags: TryFlags, { cacheFolder }: Surroundings): TrySettings {
  const named = flags.precision === undefined ? [] : readPrecisions(flags.precision).map(describePrecision);
  const { maxUpload } = flags;
  return {
    host: text("--host", flags.host) ?? "localhost",
    port: port(flags.port),
    models: namesOrPaths("--model", flags.model, []),
    precisions: [...new Set([...named, ...precisionNames])],
    threads: integer("--threads", flags.threads, { from: 1 }) ?? usableProcessors(),
    device: readDevice(flags),
    cache: cacheFolderOf(flags.cache, cacheFolder),
    runs: flags.runs ?? [],
    data: readDataPlace("--data", flags.data),
    keepModels: integer("--keep-models", flags.keepModels, { from: 1 }) ?? usualKept,
    maxUploadBytes: maxUpload === undefined ? usualUploadBytes : byteAmount("--max-upload", maxUpload, "20MB"),
    maxPixels: integer("--max-pixels", flags.maxPixels, { from: 1 }) ?? null,
  };
}

function port(value: string | undefined): number {
  const number = integer("--port", value, { from: 0 }) ?? usualPort;
  if (number <= 65_535) return number;
  throw unexpected("--port", value, "a whole number from 0 to 65535");
}
