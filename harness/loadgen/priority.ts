/**
 * The generator before its neighbours: while queries are issued, its thread asks the system to be run first. It computes a
 * fraction of a millisecond a query, and every moment that it waits for a processor is counted as the model's latency.
 */
import { getPriority, setPriority } from "node:os";
import { setFlagsFromString } from "node:v8";

const first = -15; // as os.constants.priority.PRIORITY_HIGH and more: below the kernel's own at -20

/**
 * Neither does the engine tidy up meanwhile: after eight quiet seconds it would collect the whole heap, which takes 3 to 5 ms.
 *
 * Gives what puts it back. Where the system does not allow it, nothing is changed. Processes that are forked meanwhile inherit it. */
export function goFirst(): () => void {
  setFlagsFromString("--no-memory-reducer");
  const tidyAgain = (): void => {
    setFlagsFromString("--memory-reducer");
  };
  try {
    const before = getPriority();
    setPriority(first);
    return () => {
      tidyAgain();
      setPriority(before);
    };
  } catch {
    return tidyAgain; // only the administrator may
  }
}
