/**
 * flock(2) on a file, as huggingface_hub locks what it fetches. Node has no call for it: the program `flock` of util-linux
 * locks a descriptor that it inherits, and the lock stays with this process's own copy of it until that is closed, or the
 * process ends however it ends. Where there is no such program, nothing is locked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

/** Gives the function that unlocks. Waits for as long as another process holds it; `onWait` is called then. */
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

async function lock(file: FileHandle, words: readonly string[], signal: AbortSignal): Promise<"locked" | "held"> {
  const child = spawn("flock", [...words, "--exclusive", "3"], {
    stdio: ["ignore", "ignore", "ignore", file.fd],
    signal,
  });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code === 1 && words.length > 0 ? "held" : "locked";
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "locked"; // no such program
    throw error;
  }
}
