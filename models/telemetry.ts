/**
 * Turns ONNX Runtime's telemetry off, unless the user has decided. Where it is on (the default from 1.29 on), the library keeps
 * a device id and a database in the user's cache folder, writes a log into the temporary folder, looks up its maker's host, and
 * ends the process by SIGSEGV where the command line is longer than 28.8 KB (1.30, Linux).
 *
 * The library reads the environment of the process when its first session is made. Node writes what the main thread sets in
 * `process.env` through to it; every other thread has a copy, so the main thread is asked.
 */
import { isMainThread } from "node:worker_threads";

const variable = "ORT_DISABLE_TELEMETRY";
/** In capitals or not, with spaces or without; any other value leaves it on (found by trying, 1.30). */
const valuesForOff: ReadonlySet<string> = new Set(["1", "true", "yes", "on"]);
process.env[variable] ||= "1"; // also for the processes that are started from this one

/**
 * Comes back when the environment of the process says whether there is telemetry: at once in the main thread. Fails in another
 * where the main thread does not answer in `answerMs`; one that waits for a child process may be waiting for this very thread.
 */
export async function decideTelemetry({ answerMs = 10_000 } = {}): Promise<void> {
  if (!isMainThread) await setInMainThread(process.env[variable] ?? "1", answerMs);
}

/** Whether it is off, and the setting that says so. */
export function telemetry(): { readonly isOff: boolean; readonly setting: string } {
  const value = process.env[variable] ?? "";
  return { isOff: valuesForOff.has(value.trim().toLowerCase()), setting: `${variable}=${value}` };
}

async function setInMainThread(value: string, answerMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer for ${answerMs / 1000} s`));
    }, answerMs);
  });
  try {
    await Promise.race([evaluateInMainThread(`process.env.${variable} ||= ${JSON.stringify(value)}`), late]);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `ONNX Runtime's telemetry could not be turned off from a worker thread: the main thread: ${why}.`;
    throw new Error(`${what} Start Node with ${variable}=1, or import blip2-bench in the main thread first.`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Through the engine's debugging protocol, within the process: Node has no other way to the main thread's variables. */
async function evaluateInMainThread(expression: string): Promise<void> {
  const { Session } = await import("node:inspector/promises"); // not in every build of Node
  const session = new Session();
  session.connectToMainThread();
  try {
    const { exceptionDetails } = await session.post("Runtime.evaluate", { expression });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
  } finally {
    session.disconnect();
  }
}
