/**
 * What every request of one command goes through: proxies, time limits, the token and the only origin that gets it, how many
 * connections there are at once, and who is told what happens.
 */
import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import type { LimitFunction } from "p-limit";
import { EnvHttpProxyAgent } from "undici";
import type { Dispatcher } from "undici";

/** As the environment names them; empty: none. */
export interface ProxySettings {
  /** For http: addresses. */
  readonly http: string;
  /** For https: addresses. */
  readonly https: string;
  /** Hosts that are reached without a proxy, with commas between them; `*` is all. */
  readonly none: string;
}

export interface NetworkSettings {
  readonly proxies: ProxySettings;
  /** Sent to this origin alone, such as https://huggingface.co, wherever redirects lead. */
  readonly credentials: { readonly origin: string; readonly token: string } | null;
  readonly userAgent: string;
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Between two signs of life of a server. */
  readonly idleMs: number;
  /** So many tries in a row may bring nothing new. */
  readonly tries: number;
  /** Before the second try; doubled for each further one, up to eight times this. */
  readonly firstWaitMs: number;
}

/** What huggingface_hub waits (file_download.py, utils/_http.py): 10 s, five tries, 1 s to 8 s between them. */
export const usualSettings = { connectMs: 10_000, idleMs: 10_000, tries: 5, firstWaitMs: 1000 } as const;

/** What happens while bytes come. Counts are what is new since the last event of the kind. */
export type NetworkEvent =
  /** Bytes that an earlier process has left of this file. */
  | { readonly kind: "resumed"; readonly file: string; readonly bytes: number }
  | { readonly kind: "received"; readonly file: string; readonly bytes: number }
  /** Bytes that have gone into the checksum. */
  | { readonly kind: "checked"; readonly file: string; readonly bytes: number }
  /** Bytes that count no more, of those received or resumed, and of those checked: the file starts again. */
  | { readonly kind: "discarded"; readonly file: string; readonly bytes: number; readonly checkedBytes: number }
  /** The file is whole, checked, and has its name. */
  | { readonly kind: "finished"; readonly file: string; readonly sizeBytes: number }
  /** Something is waited for: a server that is busy, another process; or a warning of the server's. */
  | { readonly kind: "message"; readonly text: string };

export interface Network extends NetworkSettings {
  readonly dispatcher: Dispatcher;
  /** Ends every request. */
  readonly signal: AbortSignal;
  readonly tell: (event: NetworkEvent) => void;
  /** Small files, and documents, at once. */
  readonly small: LimitFunction;
  /** Pieces of large files at once. */
  readonly pieces: LimitFunction;
  /** Large files at once: each has a thread that computes its checksum. */
  readonly large: LimitFunction;
  readonly close: () => Promise<void>;
}

export const smallAtOnce = 8;
const piecesAtOnce = 6;
const largeAtOnce = 3;

/** Nothing is connected to before the first request. Close it, or the process lives on. */
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
    tell,
    small: pLimit(smallAtOnce),
    pieces: pLimit(piecesAtOnce),
    large: pLimit(largeAtOnce),
    close: () => dispatcher.destroy(),
  };
}
