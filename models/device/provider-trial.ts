/** Whether a device really starts: tried in a process of its own, so that a driver that crashes or hangs ends no more than that. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { adapterIn } from "./adapter.ts";
import type { Adapter } from "./adapter.ts";
import type { Device } from "./device.ts";

type TrialReport =
  | {
      readonly status: "works";
      readonly difference: number;
      /** Why it cannot in fp16. */
      readonly halfRefusal?: string;
    }
  | { readonly status: "failed"; readonly reason: string };

export type ProviderTrial = TrialReport & {
  /** Which device it was, as far as it is told; null: it is not. */
  readonly adapter: Adapter | null;
};

export interface TrialOptions {
  readonly timeoutMs?: number;
  /** The program that is run; another stands in for a driver that crashes. */
  readonly script?: string;
}

const defaultTimeoutMs = 60_000; // a first start compiles kernels; CUDA's takes up to half a minute
const mostWords = 16e6; // bytes: drivers and their loader may be talkative
const tolerance = 1e-3; // between fp32 devices, which may multiply in TF32 or add in another order

/** What the child prints: try-provider.ts. */
const reportSchema = z.union([
  z.object({ difference: z.number().nullable(), halfRefusal: z.string().nullish() }),
  z.object({ error: z.string() }),
]);

/** Throws nothing: what goes wrong is the reason. */
export function tryProvider({ provider, id }: Device, options: TrialOptions = {}): Promise<ProviderTrial> {
  const { timeoutMs = defaultTimeoutMs } = options;
  const script = options.script ?? fileURLToPath(new URL("try-provider.js", import.meta.url));
  return new Promise((resolve) => {
    const settings = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: mostWords } as const;
    execFile(process.execPath, [script, provider, String(id)], settings, (error, stdout, stderr) => {
      const adapter = adapterIn(stderr);
      if (error === null) resolve({ ...readReport(stdout), adapter });
      else if (error.killed === true) resolve({ ...failed(`it did not answer in ${timeoutMs / 1000} s`), adapter });
      else if (typeof error.signal === "string") {
        resolve({ ...failed(`its process crashed (${error.signal})`), adapter });
      } else resolve({ ...readReport(stdout, `its process ended with code ${error.code ?? "unknown"}`), adapter });
    });
  });
}

function readReport(stdout: string, otherwise = "its process gave no answer"): TrialReport {
  const parsed = reportSchema.safeParse(jsonIn(stdout));
  if (!parsed.success) return failed(otherwise);
  if ("error" in parsed.data) return failed(parsed.data.error);
  const { difference, halfRefusal } = parsed.data;
  if (difference !== null && difference <= tolerance) {
    return { status: "works", difference, ...(typeof halfRefusal === "string" && { halfRefusal }) };
  }
  return failed(
    `its numbers are ${difference ?? "not finite, and so no"} off the CPU's, expected ${tolerance} at most`,
  );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** ONNX Runtime puts the place in its own source, and the condition that does not hold, before the words for a reader. */
function failed(reason: string): TrialReport {
  const [line = reason] = reason.trim().split("\n");
  return { status: "failed", reason: line.replace(/^\/onnxruntime_src\/.* was false\. /, "") };
}
