/** Sends one HTTP request. Redirects are followed here, so that the token is sent to the hub's own origin only. */
import { errors } from "undici";
import type { Dispatcher } from "undici";
import { AnswerBody } from "./answer-body.ts";
import { askedWaitMs, header } from "./answer-headers.ts";
import type { Headers } from "./answer-headers.ts";
import type { Network } from "./network.ts";
import { PullError } from "./pull-error.ts";

export interface Request {
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  /** Headers by lower-case name, in addition to those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborts this request, in addition to the network's own signal. */
  readonly signal?: AbortSignal;
  /** Returns a redirect as the answer and does not follow it. */
  readonly stopAtRedirect?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** URL of the answer after redirects. */
  readonly url: string;
  /** The body. It must be taken or discarded, since the connection is in use until then. */
  readonly body: AnswerBody;
}

/** An error after which another attempt may succeed. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  /** Milliseconds that the server asks to wait; null: it does not say. */
  readonly waitMs: number | null;

  constructor(message: string, options: ErrorOptions & { readonly waitMs?: number | null } = {}) {
    super(message, options);
    this.waitMs = options.waitMs ?? null;
  }
}

const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
const mostRedirects = 10;

/**
 * Sends a request and returns the answer, whatever its status. Throws a TransientError where no answer arrives, a
 * PullError where another attempt cannot help either.
 */
export async function exchange(network: Network, asked: Request): Promise<Answer> {
  let { url } = asked;
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const answer = await askOnce(network, { ...asked, url });
    const location = header(answer.headers, "location");
    if (!redirectStatuses.includes(answer.status) || location === null || asked.stopAtRedirect === true) return answer;
    await answer.body.discard();
    url = absolute(location, url);
  }
  throw new PullError(`${asked.url}: more than ${mostRedirects} redirects, one to the next. Is the address right?`);
}

function absolute(location: string, from: string): string {
  if (!URL.canParse(location, from)) throw new PullError(`${from}: redirects to "${location}", which is no address.`);
  return new URL(location, from).href;
}

async function askOnce(network: Network, { url, method = "GET", headers, signal }: Request): Promise<Answer> {
  const { credentials, userAgent } = network;
  const signals = signal === undefined ? network.signal : AbortSignal.any([network.signal, signal]);
  const { origin, pathname, search } = new URL(url);
  const sent = {
    "user-agent": userAgent,
    "accept-encoding": "identity", // lengths and ranges are those of the file itself
    ...headers,
    ...(credentials?.origin === origin && { authorization: `Bearer ${credentials.token}` }),
  };
  signals.throwIfAborted();
  try {
    const options = { origin, path: pathname + search, method, headers: sent };
    return await dispatch(network, { url, signal: signals, options });
  } catch (cause) {
    signals.throwIfAborted();
    throw failureOf(cause, url);
  }
}

interface Dispatching {
  readonly url: string;
  readonly signal: AbortSignal;
  readonly options: Dispatcher.DispatchOptions;
}

/** undici's `request` without its stream, which with its usual settings pauses the connection at every chunk. */
function dispatch({ dispatcher }: Network, { url, signal, options }: Dispatching): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let connection: Dispatcher.DispatchController | null = null;
    let body: AnswerBody | null = null;
    const onAbort = (): void => {
      const reason = signal.reason as Error;
      reject(reason);
      body?.finish(reason);
      connection?.abort(reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const finish = (error: Error | null): void => {
      signal.removeEventListener("abort", onAbort);
      if (error !== null) reject(error);
      body?.finish(error);
    };
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => {
        connection = controller;
        if (signal.aborted) controller.abort(signal.reason as Error);
      },
      onResponseStart: (controller, status, headers) => {
        if (status < 200) return; // more follows
        body = new AnswerBody(controller);
        resolve({ status, headers, url, body });
      },
      onResponseData: (_, chunk) => body?.add(chunk),
      onResponseEnd: () => {
        finish(null);
      },
      onResponseError: (_, error) => {
        finish(error);
      },
    });
  });
}

/**
 * Turns a connection error into a TransientError or PullError with a readable message; returns other errors unchanged.
 */
export function failureOf(cause: unknown, url: string): Error {
  if (!(cause instanceof Error)) return new Error(String(cause));
  const host = URL.canParse(url) ? new URL(url).host : url;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) {
    return new PullError(
      `${host}: its certificate is not trusted (${code}: ${cause.message}). Behind a proxy that reads along, give its ` +
        "certificate in NODE_EXTRA_CA_CERTS.",
      { cause },
    );
  }
  const words = failureWords(code, cause);
  return words === null ? cause : new TransientError(`${host}: ${words}`, { cause });
}

function failureWords(code: string, cause: Error): string | null {
  if (cause instanceof errors.ConnectTimeoutError || code === "ETIMEDOUT") return "no connection in time";
  if (cause instanceof errors.HeadersTimeoutError) return "no answer in time";
  if (cause instanceof errors.BodyTimeoutError) return "nothing more came for too long";
  if (cause instanceof errors.ResponseContentLengthMismatchError) return "the answer was not as long as announced";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "no such host is known here, or there is no network";
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (cause instanceof AggregateError) return "no connection"; // none of the host's addresses could be reached
  const isOfTheNetwork =
    cause instanceof errors.UndiciError || /^(ECONN|EPIPE|EHOST|ENET|EPROTO|HPE_|ERR_SSL|ERR_TLS)/.test(code);
  return isOfTheNetwork ? `the connection broke (${cause.message})` : null;
}

/** HTTP statuses after which a request is repeated (huggingface_hub, utils/_http.py). */
const laterStatuses: readonly number[] = [408, 429, 500, 502, 503, 504];

/** Throws a TransientError where the status means that the request may succeed later. */
export async function refuseLater(answer: Answer): Promise<void> {
  if (!laterStatuses.includes(answer.status)) return;
  await answer.body.discard();
  const { host } = new URL(answer.url);
  throw new TransientError(`${host}: answered ${answer.status}`, { waitMs: askedWaitMs(answer.headers, Date.now()) });
}
