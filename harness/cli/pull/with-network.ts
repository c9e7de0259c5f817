/**
 * Opens a network for one piece of work of a command, with progress on the terminal and handling of Ctrl-C, and closes
 * it afterwards.
 */
import { openNetwork } from "../../pull/network/network.ts";
import type { Network, NetworkSettings } from "../../pull/network/network.ts";
import { watchInterrupt } from "../interrupt.ts";
import type { Terminal } from "../terminal.ts";
import { PullProgress } from "./pull-progress.ts";

export interface Fetching {
  readonly network: Network;
  readonly progress: PullProgress;
}

/** The result of the work; or, where it was interrupted, the exit code. */
export type Fetched<T> = { readonly value: T } | { readonly exitCode: number };

/** Runs the work with a network. Ctrl-C ends it; received bytes are kept. */
export async function withNetwork<T>(
  settings: NetworkSettings,
  terminal: Terminal,
  work: (fetching: Fetching) => Promise<T>,
): Promise<Fetched<T>> {
  const stop = new AbortController();
  const interrupt = watchInterrupt(() => {
    stop.abort();
  });
  const progress = new PullProgress(terminal);
  const network = openNetwork(settings, {
    signal: stop.signal,
    tell: (event) => {
      progress.tell(event);
    },
  });
  try {
    return { value: await work({ network, progress }) };
  } catch (error) {
    const exitCode = interrupt.exitCode();
    if (exitCode === null) throw error;
    terminal.message("Interrupted: what has come is kept. The same command goes on from there.");
    return { exitCode };
  } finally {
    interrupt.dispose();
    await network.close();
  }
}
