/** Sends one HTTP request. Redirects are followed here, so that the token is sent to the hub's own origin only. */
import { errors, request } from "undici";
import type { Dispatcher } from "undici";
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
  /** The body. It must be read or discarded, since the connection is in use until then. */
  readonly body: Dispatcher.ResponseData["body"];
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
    await discard(answer);
    url = absolute(location, url);
  }
  throw new PullError(`${asked.url}: more than ${mostRedirects} redirects, one to the next. Is the address right?`);
}

/** Reads the rest of a short body, so that its connection can be used again; closes the connection of a long one. */
export async function discard({ body }: Answer): Promise<void> {
  body.on("error", () => undefined); // the body is not needed, so its errors are ignored
  await body.dump().catch(() => undefined);
}

function absolute(location: string, from: string): string {
  if (!URL.canParse(location, from)) throw new PullError(`${from}: redirects to "${location}", which is no address.`);
  return new URL(location, from).href;
}

async function askOnce(network: Network, { url, method = "GET", headers, signal }: Request): Promise<Answer> {
  const { credentials, dispatcher, userAgent } = network;
  const signals = signal === undefined ? network.signal : AbortSignal.any([network.signal, signal]);
  const isTrusted = credentials !== null && new URL(url).origin === credentials.origin;
  try {
    const { statusCode, ...answer } = await request(url, {
      method,
      dispatcher,
      signal: signals,
      headers: {
        "user-agent": userAgent,
        "accept-encoding": "identity", // without compression, lengths and ranges are those of the file
        ...headers,
        ...(isTrusted && { authorization: `Bearer ${credentials.token}` }),
      },
    });
    return { status: statusCode, headers: answer.headers, url, body: answer.body };
  } catch (cause) {
    signals.throwIfAborted();
    throw failureOf(cause, url);
  }
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
  await discard(answer);
  const { host } = new URL(answer.url);
  throw new TransientError(`${host}: answered ${answer.status}`, { waitMs: askedWaitMs(answer.headers, Date.now()) });
}
