/**
 * Checkpoints that are loaded: each when it is first asked, the one that was not asked for the longest time ended when there
 * are too many. One caller at a time, as the queue has it.
 */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { CheckpointProcess } from "./checkpoint-process.ts";
import type { CheckpointPlace } from "./checkpoint-service.ts";
import { CancelledError } from "./fair-queue.ts";

export interface LoadingOptions {
  readonly signal: AbortSignal;
  /** Only where it must be loaded: at once, and as its weights are made ready. */
  readonly onLoading: (event: PreparationEvent | null) => void;
}

export class KeptCheckpoints {
  /** The one to end first, first. */
  readonly #kept = new Map<string, CheckpointProcess>();
  readonly #most: number;
  readonly #entry: string | null;

  /** `entry`: see CheckpointProcess. */
  constructor({ most, entry }: { readonly most: number; readonly entry: string | null }) {
    this.#most = most;
    this.#entry = entry;
  }

  /** `name` tells it from others, for users. Throws what loading throws, and a CancelledError after the signal. */
  async get(name: string, place: CheckpointPlace, { signal, onLoading }: LoadingOptions): Promise<CheckpointProcess> {
    const found = this.#kept.get(name);
    this.#kept.delete(name);
    if (found !== undefined && !found.isGone) {
      this.#kept.set(name, found);
      return found;
    }
    onLoading(null);
    while (this.#kept.size >= this.#most) await this.#endFirst();
    const started = new CheckpointProcess(name, this.#entry);
    this.#kept.set(name, started);
    const stop = (): void => void started.kill();
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (signal.aborted) throw new CancelledError("cancelled before it was loaded");
      await started.load(place, onLoading);
      return started;
    } catch (error) {
      this.#kept.delete(name);
      await started.kill();
      throw signal.aborted ? new CancelledError("cancelled while it was loaded") : error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Ends all of them, whatever they do. */
  async end(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    await Promise.all(all.map((each) => each.kill()));
  }

  async #endFirst(): Promise<void> {
    const [first] = this.#kept;
    if (first === undefined) return;
    const [name, checkpoint] = first;
    this.#kept.delete(name);
    await checkpoint.kill();
  }
}
