/**
 * `blip2-bench try`: serves a page on which checkpoints can be tried in the browser (caption, ask, chat, match), until
 * Ctrl-C.
 */
import { describePrecision, precisionNames } from "../../../models/checkpoint/precision.ts";
import type { Surroundings } from "../declared-command.ts";
import type { TryValues } from "./declared/try-a-model.ts";
import { deviceOf } from "../options/speed.ts";
import { watchInterrupt } from "../interrupt.ts";
import { isLoopback } from "../../try/guard.ts";
import { startTrying } from "../../try/start-trying.ts";
import type { TrySettings } from "../../try/start-trying.ts";

/** Gives the exit code, after Ctrl-C. */
export async function tryPage(
  values: TryValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const settings = settingsOf(values);
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
function settingsOf(values: TryValues): TrySettings {
  const { model, precision, device, deviceId, maxUpload, ...others } = values;
  return {
    ...others,
    models: model ?? [],
    precisions: [...new Set([...precision.map(describePrecision), ...precisionNames])],
    device: deviceOf({ device, deviceId }),
    maxUploadBytes: maxUpload,
  };
}
