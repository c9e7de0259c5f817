/** Errors about run folders that the user can correct. Messages say what is wrong, where, and what to do. */

/** The folder belongs to another run, is broken, in use, or not writable. Nothing was written. */
export class RunFolderError extends Error {
  override readonly name = "RunFolderError";
}

/**
 * Writing failed in the middle of a run, for example on a full disk. Everything written before is intact, and the run
 * can be resumed.
 */
export class RunWriteError extends Error {
  override readonly name = "RunWriteError";
}

/** The system's code of a failed call, such as ENOSPC; null for any other error. */
export function systemCode(error: unknown): string | null {
  return error instanceof Error && "syscall" in error && "code" in error ? String(error.code) : null;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the quota is used up",
  EFBIG: "the largest file size allowed is reached",
  EBADF: "it is closed",
  EIO: "an input or output error",
  ENOENT: "no such folder, and none can be made there",
  ENOSPC: "no space left on the disk",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "a file is in the place of a folder",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EISDIR: "a folder is in the place of a file",
  EMFILE: "this process has as many files open as it may",
  ENAMETOOLONG: "a name or the path is longer than the file system allows",
  ENFILE: "the system has as many files open as it may",
  ENOMEM: "no memory left",
  ELOOP: "its links lead to each other",
  ESTALE: "the server of the file system has lost it",
  ETXTBSY: "it is being run",
};

/** For example `no space left on the disk (ENOSPC)`. */
export function describeSystemCode(code: string): string {
  const reason = reasons[code];
  return reason === undefined ? code : `${reason} (${code})`;
}

const remedies: Readonly<Record<string, string>> = {
  EDQUOT: "Make room",
  EIO: "Have the disk looked after",
  EFBIG: "Allow larger files with `ulimit -f`",
  EMFILE: "Allow more open files with `ulimit -n`",
  ENFILE: "Have the system allow more open files",
  ENOMEM: "Free some memory",
  ENOSPC: "Make room",
};

/** What to do about a file or folder that took what was written before, and takes no more: "Make room". */
export function remedyOf(code: string): string {
  return remedies[code] ?? "See that it can be written";
}

/** Whether the code says that the machine lacks something, and not that a path is wrong. */
export function isLack(code: string): boolean {
  return code in remedies;
}

/** Where the machine lacks something, to mend that; otherwise `advice`, which names another place. */
export function adviceOn(code: string, advice: string): string {
  const remedy = remedies[code];
  return remedy === undefined ? advice : `${remedy}, then give the same command again.`;
}
