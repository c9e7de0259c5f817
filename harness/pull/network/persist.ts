/**
 * Repeats an attempt after a TransientError, with growing waits. There is no limit as long as attempts make progress.
 */
import { setTimeout } from "node:timers/promises";
import { TransientError } from "./exchange.ts";
import type { Network } from "./network.ts";
import { PullIncompleteError } from "./pull-error.ts";

/** Longest wait that a server may ask for; where it asks for more, the command ends and can be run again later. */
const longestWaitMs = 15 * 60_000;
const mostDoublings = 3;

/**
 * @param attempt is given a function to call whenever new bytes arrive, which resets the count of failed attempts
 * @throws PullIncompleteError after too many attempts in a row without progress
 */
export async function persist<T>(
  network: Network,
  what: string,
  attempt: (advance: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  for (;;) {
    try {
      return await attempt(() => {
        failures = 0;
      });
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures += 1;
      await waitAfter(error, { network, what, failures });
    }
  }
}

async function waitAfter(
  error: TransientError,
  { network, what, failures }: { readonly network: Network; readonly what: string; readonly failures: number },
): Promise<void> {
  if (failures >= network.tries) {
    throw new PullIncompleteError(
      `${what}: ${error.message}, ${failures} times in a row. What has arrived is kept; the same command goes on from there.`,
      { cause: error },
    );
  }
  const usualMs = network.firstWaitMs * 2 ** Math.min(failures - 1, mostDoublings);
  // random jitter, so that parallel requests do not all retry at the same moment
  const waitMs = error.waitMs ?? usualMs * (1 + Math.random() / 4);
  if (waitMs > longestWaitMs) {
    throw new PullIncompleteError(
      `${what}: ${error.message} and asks to wait ${Math.round(waitMs / 60_000)} minutes. Give the same command again then.`,
      { cause: error },
    );
  }
  network.tell({ kind: "message", text: `${what}: ${error.message}; again in ${Math.ceil(waitMs / 1000)} s` });
  await setTimeout(waitMs, undefined, { signal: network.signal });
}
