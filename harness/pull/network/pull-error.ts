/** How fetching fails: for good, or so that the same command goes on later. */

/** Something to mend before it is worth trying again: a name, a right to read, a full disk, a file that is not what was published. */
export class PullError extends Error {
  override readonly name = "PullError";
}

/** A server or the way to it gave up. What has arrived is kept, and the same command goes on from there. */
export class PullIncompleteError extends Error {
  override readonly name = "PullIncompleteError";
}

/** A server answered with the whole file where bytes of it were asked for. */
export class NoRangesError extends PullError {}
