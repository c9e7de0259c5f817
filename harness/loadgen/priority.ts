/**
 * The generator before its neighbours: while queries are issued, its thread asks the system to be run first. It computes a
 * fraction of a millisecond a query, and every moment that it waits for a processor is counted as the model's latency.
 */
import { getPriority, setPriority } from "node:os";

const first = -15; // as os.constants.priority.PRIORITY_HIGH and more: below the kernel's own at -20

/** Gives what puts it back. Where the system does not allow it, nothing is changed. Processes that are forked meanwhile inherit it. */
export function goFirst(): () => void {
  try {
    const before = getPriority();
    setPriority(first);
    return () => {
      setPriority(before);
    };
  } catch {
    return () => undefined; // only the administrator may
  }
}
