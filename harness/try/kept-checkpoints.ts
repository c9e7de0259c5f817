/**
 * The loaded checkpoints. Each is loaded when it is first asked; when there are too many, the least recently used one
 * is ended. It is called by one piece of work at a time, which the queue ensures.
 */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { CheckpointProcess } from "./checkpoint-process.ts";
import type { CheckpointPlace } from "./checkpoint-service.ts";
import { CancelledError } from "./fair-queue.ts";

export interface LoadingOptions {
  readonly signal: AbortSignal;
  /** Called only if the checkpoint must be loaded: at once with null, then with the progress of its weights. */
  readonly onLoading: (event: PreparationEvent | null) => void;
}

export class KeptCheckpoints {
  /** Loaded checkpoints by name, the least recently used first. */
  readonly #kept = new Map<string, CheckpointProcess>();
  readonly #most: number;
  readonly #entry: string | null;

  /** `most`: checkpoints that stay loaded. `entry`: see CheckpointProcess. */
  constructor({ most, entry }: { readonly most: number; readonly entry: string | null }) {
    this.#most = most;
    this.#entry = entry;
  }

  /**
   * `name` identifies the checkpoint and is shown to users. Throws what loading throws, and a CancelledError once the
   * signal is aborted.
   */
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

  /** Ends the processes of all checkpoints at once. */
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
