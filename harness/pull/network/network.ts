/**
 * The network settings that all requests of a command use: proxies, time limits, the token and the origin that may
 * receive it, the number of parallel connections, and the listener for progress.
 */
import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import type { LimitFunction } from "p-limit";
import { EnvHttpProxyAgent } from "undici";
import type { Dispatcher } from "undici";

/** Proxies from environment variables; empty: none. */
export interface ProxySettings {
  /** Proxy for http: URLs. */
  readonly http: string;
  /** Proxy for https: URLs. */
  readonly https: string;
  /** Hosts reached without a proxy, separated by commas; `*` means all. */
  readonly none: string;
}

export interface NetworkSettings {
  readonly proxies: ProxySettings;
  /**
   * The token, and the only origin it is sent to, such as https://huggingface.co; redirect targets never receive it.
   */
  readonly credentials: { readonly origin: string; readonly token: string } | null;
  readonly userAgent: string;
  /** Time limit for opening a connection. */
  readonly connectMs: number;
  /** Longest time without data from the server. */
  readonly idleMs: number;
  /** Number of attempts in a row that may fail without receiving anything new. */
  readonly tries: number;
  /** Wait before the second attempt; doubled for each further one, up to eight times this. */
  readonly firstWaitMs: number;
}

/** The values of huggingface_hub (file_download.py, utils/_http.py): 10 s, five attempts, 1 s to 8 s between them. */
export const usualSettings = { connectMs: 10_000, idleMs: 10_000, tries: 5, firstWaitMs: 1000 } as const;

/** Progress events. Byte counts are increments since the last event of that kind. */
export type NetworkEvent =
  /** Bytes of this file that an earlier process had received. */
  | { readonly kind: "resumed"; readonly file: string; readonly bytes: number }
  | { readonly kind: "received"; readonly file: string; readonly bytes: number }
  /** Bytes that were added to the checksum. */
  | { readonly kind: "checked"; readonly file: string; readonly bytes: number }
  /** The file starts again: these bytes received or resumed, and these checked, no longer count. */
  | { readonly kind: "discarded"; readonly file: string; readonly bytes: number; readonly checkedBytes: number }
  /** The file is complete, verified, and has its final name. */
  | { readonly kind: "finished"; readonly file: string; readonly sizeBytes: number }
  /** A message: waiting for a busy server or another process, or a warning from the server. */
  | { readonly kind: "message"; readonly text: string };

export interface Network extends NetworkSettings {
  readonly dispatcher: Dispatcher;
  /** Aborts every request. */
  readonly signal: AbortSignal;
  readonly tell: (event: NetworkEvent) => void;
  /** Limits the number of small files and documents fetched in parallel. */
  readonly small: LimitFunction;
  /** Limits the number of pieces of large files fetched in parallel. */
  readonly pieces: LimitFunction;
  /** Limits the number of large files in parallel: each has a thread that computes its checksum. */
  readonly large: LimitFunction;
  readonly close: () => Promise<void>;
}

export const smallAtOnce = 8;
const piecesAtOnce = 6;
const largeAtOnce = 3;

/** Opens no connection before the first request. It must be closed, or the process does not end. */
export function openNetwork(
  settings: NetworkSettings,
  { signal, tell }: { readonly signal: AbortSignal; readonly tell: (event: NetworkEvent) => void },
): Network {
  const { proxies, connectMs, idleMs } = settings;
  setMaxListeners(0, signal); // each request under way has one
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: proxies.http,
    httpsProxy: proxies.https,
    noProxy: proxies.none,
    connect: { timeout: connectMs },
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
  });
  return {
    ...settings,
    dispatcher,
    signal,
    tell: withoutRepeats(tell),
    small: pLimit(smallAtOnce),
    pieces: pLimit(piecesAtOnce),
    large: pLimit(largeAtOnce),
    close: () => dispatcher.destroy(),
  };
}

/** Pieces of one file that fail together say one thing. What is said again after this time is news. */
const repeatMs = 1000;

/** Leaves out a message that was told just before. */
function withoutRepeats(tell: Network["tell"]): Network["tell"] {
  const toldMs = new Map<string, number>();
  return (event) => {
    if (event.kind === "message") {
      const now = performance.now();
      if (now - (toldMs.get(event.text) ?? -Infinity) < repeatMs) return;
      toldMs.set(event.text, now);
    }
    tell(event);
  };
}
