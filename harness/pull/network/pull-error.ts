/** The errors of fetching: those that need a change first, and those after which the command can simply be repeated. */

/**
 * Something must be mended before another attempt: a wrong name, missing read access, a full disk, a file with a wrong
 * checksum.
 */
export class PullError extends Error {
  override readonly name = "PullError";
}

/** The server or the connection failed. Received bytes are kept, and repeating the command continues from there. */
export class PullIncompleteError extends Error {
  override readonly name = "PullIncompleteError";
}

/** A server answered with the whole file where bytes of it were asked for. */
export class NoRangesError extends PullError {}
