/** What a run tells the command that started it, and how that command stops it. */

export interface Watcher {
  /** Asked between windows; true ends the run there. */
  readonly isStopped: () => boolean;
  readonly onProgress: (progress: Progress) => void;
  /** Gets what was measured and chosen during the run, in words for the user. */
  readonly onNote?: (text: string) => void;
}

export interface Progress {
  readonly run: string;
  /** Samples that were predicted before this session. `done`: until now, those included. `samples`: of the whole run. */
  readonly before: number;
  readonly done: number;
  readonly samples: number;
  readonly failed: number;
  /** What else is shown in the line, such as workers and their speeds; unset: nothing. */
  readonly beside?: string;
}

/** The model blocks the thread while it computes: signals arrive when the event loop turns, so it is given a turn. */
export async function isStoppedNow(watcher: Watcher): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return watcher.isStopped();
}
