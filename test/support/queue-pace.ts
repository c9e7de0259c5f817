/** How fast the two sides of a queue look at each other in tests; processes of the fake model take it from FAKE_PACE. */
import { usualPace } from "../../harness/spread/queue/redis.ts";
import type { QueuePace } from "../../harness/spread/queue/redis.ts";

/** Workers hold their windows as long as ever: a loaded machine must not take them away. */
export const quickPace: QueuePace = { ...usualPace, lookMs: 50, stalledMs: 100 };

export function paceVariable(pace: QueuePace): Readonly<Record<string, string>> {
  return { FAKE_PACE: JSON.stringify(pace) };
}

export function fakePace({ FAKE_PACE }: NodeJS.ProcessEnv): { readonly queuePace?: QueuePace } {
  return FAKE_PACE === undefined ? {} : { queuePace: JSON.parse(FAKE_PACE) as QueuePace };
}
