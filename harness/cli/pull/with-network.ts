/** A network for one piece of work of a command: progress on the terminal, Ctrl-C, and an end of its connections. */
import { openNetwork } from "../../pull/network/network.ts";
import type { Network, NetworkSettings } from "../../pull/network/network.ts";
import { watchInterrupt } from "../interrupt.ts";
import type { Terminal } from "../terminal.ts";
import { PullProgress } from "./pull-progress.ts";

export interface Fetching {
  readonly network: Network;
  readonly progress: PullProgress;
}

/** What came of the work; or, where it was interrupted, the code to exit with. */
export type Fetched<T> = { readonly value: T } | { readonly exitCode: number };

/** What has come is kept when Ctrl-C ends it. */
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
