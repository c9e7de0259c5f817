/**
 * Locks a file with flock(2), as huggingface_hub does while it fetches. Node has no call for that, so the program
 * `flock` of util-linux locks a file descriptor that it inherits from this process; the lock lasts until this process
 * closes the descriptor or ends. Where that program is missing, nothing is locked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

/**
 * Locks the file and returns a function that unlocks it. Waits while another process holds the lock; `onWait` is called
 * then.
 */
export async function lockPath(path: string, signal: AbortSignal, onWait: () => void): Promise<() => Promise<void>> {
  const file = await open(path, "a", 0o664);
  try {
    if ((await lock(file, ["--nonblock"], signal)) === "held") {
      onWait();
      await lock(file, [], signal);
    }
    return () => file.close();
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Locks the file if no process holds the lock; null where one does. Returns a function that unlocks it. */
export async function lockFree(path: string): Promise<(() => Promise<void>) | null> {
  const file = await open(path, "a", 0o664);
  if ((await lock(file, ["--nonblock"])) === "locked") return () => file.close();
  await file.close();
  return null;
}

async function lock(file: FileHandle, words: readonly string[], signal?: AbortSignal): Promise<"locked" | "held"> {
  const child = spawn("flock", [...words, "--exclusive", "3"], {
    stdio: ["ignore", "ignore", "ignore", file.fd],
    ...(signal !== undefined && { signal }),
  });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 1 && words.length > 0 ? "held" : "locked";
  } catch (error) {
    signal?.throwIfAborted();
    // the program flock is not installed
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "locked";
    throw error;
  }
}
