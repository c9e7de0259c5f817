/** What a run tells the command that started it, and how that command stops it. */

export interface Watcher {
  /** Asked between windows; true ends the run there. */
  readonly isStopped: () => boolean;
  readonly onProgress: (progress: Progress) => void;
  /** Told what was measured and chosen on the way. */
  readonly onNote?: (text: string) => void;
}

export interface Progress {
  readonly run: string;
  /** Samples that were done before, are done now, and are to be done in all. */
  readonly before: number;
  readonly done: number;
  readonly samples: number;
  readonly failed: number;
}

/** The model blocks the thread while it computes: signals arrive when the event loop turns, so it is given a turn. */
export async function isStoppedNow(watcher: Watcher): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return watcher.isStopped();
}
