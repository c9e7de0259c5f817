/** Whether a hub answers, and whether it takes the token: one request, not tried again. */
import { exchange, TransientError } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";
import { PullError } from "../network/pull-error.ts";
import type { HubSettings } from "./hub.ts";

export interface HubState {
  readonly endpoint: string;
  /** Whether the hub answered; null: not asked, since the environment forbids network access. */
  readonly answers: boolean | null;
  /** The answer, or the reason that there was none, as text. */
  readonly words: string;
}

export async function askHub(network: Network, { endpoint, tokenSource, isOffline }: HubSettings): Promise<HubState> {
  if (isOffline) return { endpoint, answers: null, words: "not asked: HF_HUB_OFFLINE" };
  try {
    const answer = await exchange(network, { url: `${endpoint}/api/whoami-v2` });
    await answer.body.discard();
    if (answer.status >= 500) return { endpoint, answers: false, words: `answers ${answer.status}` };
    const token = `the token of ${tokenSource ?? ""} ${answer.status === 200 ? "is taken" : "is refused"}`;
    return { endpoint, answers: true, words: `answers; ${tokenSource === null ? "there is no token" : token}` };
  } catch (error) {
    if (!(error instanceof TransientError || error instanceof PullError)) throw error;
    return { endpoint, answers: false, words: error.message };
  }
}
