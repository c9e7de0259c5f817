/**
 * The generator before its neighbours: while queries are issued, its threads are run first. They compute a fraction of a
 * millisecond a query, and every moment that they wait for a processor is counted as the model's latency.
 */
import { spawnSync } from "node:child_process";
import { getPriority, setPriority } from "node:os";
import { setFlagsFromString } from "node:v8";
import { usableProcessors } from "../../catalog/usable-processors.ts";

const first = -15; // as os.constants.priority.PRIORITY_HIGH and more: below the kernel's own at -20

/**
 * Gives what puts it back. Where the system does not allow it (only the administrator may), nothing is changed. Processes and
 * threads that are started meanwhile inherit it. `processors`: that this process and the model's share. With one in all, nobody
 * goes first: the generator's main thread may turn its event loop until a thread of the engine's own has collected garbage, and
 * where it has the only processor before that thread and the model, the turning does not end.
 */
export function goFirst({ processors = usableProcessors() } = {}): () => void {
  const back = [collectNothing(), ...(processors > 1 ? [goFirstOfOrdinary(), goBeforeOrdinary()] : [])];
  return () => {
    for (const each of back) each();
  };
}

/** After eight quiet seconds the engine would collect the whole heap, which takes 3 to 5 ms. */
function collectNothing(): () => void {
  setFlagsFromString("--no-memory-reducer");
  return () => {
    setFlagsFromString("--memory-reducer");
  };
}

/** By priority; of this thread, and of those it starts. */
function goFirstOfOrdinary(): () => void {
  try {
    const before = getPriority();
    setPriority(first);
    return () => {
      setPriority(before);
    };
  } catch {
    return () => undefined;
  }
}

/**
 * By Linux's real-time class, with util-linux's chrt, as Node has no call for it. An ordinary thread waits for the next tick
 * of the clock (4 ms) where the kernel does not take a processor from a running one, whatever their priorities are.
 */
function goBeforeOrdinary(): () => void {
  if (process.platform !== "linux" || !changeClass("--fifo", 1)) return () => undefined;
  return () => {
    changeClass("--other", 0);
  };
}

/** Of all threads of this process. Whether it could be done. */
function changeClass(policy: "--fifo" | "--other", priority: number): boolean {
  const { status } = spawnSync("chrt", [policy, "--all-tasks", "--pid", String(priority), String(process.pid)]);
  return status === 0;
}
