/** Tries again what may go better, with waits that grow; as long as tries bring something new, without end. */
import { setTimeout } from "node:timers/promises";
import { TransientError } from "./exchange.ts";
import type { Network } from "./network.ts";
import { PullIncompleteError } from "./pull-error.ts";

/** A server that asks for more is not waited for: the command can be given again. */
const longestWaitMs = 15 * 60_000;
const mostDoublings = 3;

/**
 * @param attempt gets a function to call whenever something new has come: tries are counted anew from there
 * @throws PullIncompleteError after too many tries in a row without anything new
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
  const waitMs = error.waitMs ?? usualMs * (1 + Math.random() / 4); // not all at once
  if (waitMs > longestWaitMs) {
    throw new PullIncompleteError(
      `${what}: ${error.message} and asks to wait ${Math.round(waitMs / 60_000)} minutes. Give the same command again then.`,
      { cause: error },
    );
  }
  network.tell({ kind: "message", text: `${what}: ${error.message}; again in ${Math.ceil(waitMs / 1000)} s` });
  await setTimeout(waitMs, undefined, { signal: network.signal });
}
