/** One request and its answer. Redirects are followed here: the token goes to its own origin alone. */
import { errors, request } from "undici";
import type { Dispatcher } from "undici";
import { askedWaitMs, header } from "./answer-headers.ts";
import type { Headers } from "./answer-headers.ts";
import type { Network } from "./network.ts";
import { PullError } from "./pull-error.ts";

export interface Request {
  readonly url: string;
  readonly method?: "GET" | "HEAD";
  /** By lower-case names, besides those of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends this request, besides the network's own. */
  readonly signal?: AbortSignal;
  /** Gives a redirect back as the answer. */
  readonly stopAtRedirect?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from, behind redirects. */
  readonly url: string;
  /** Read it, or discard it: its connection is busy until then. */
  readonly body: Dispatcher.ResponseData["body"];
}

/** What may go better at the next try. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  /** How long the server asks to wait; null: it says nothing. */
  readonly waitMs: number | null;

  constructor(message: string, options: ErrorOptions & { readonly waitMs?: number | null } = {}) {
    super(message, options);
    this.waitMs = options.waitMs ?? null;
  }
}

const redirectStatuses: readonly number[] = [301, 302, 303, 307, 308];
const mostRedirects = 10;

/** Throws a TransientError where no answer comes, a PullError where none ever will. Any status is an answer. */
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

/** Reads what is left of a short body, so that its connection can be used again; of a long one the connection is closed. */
export async function discard({ body }: Answer): Promise<void> {
  body.on("error", () => undefined); // nobody reads it
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
        "accept-encoding": "identity", // lengths and ranges are those of the file itself
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

/** What a failed connection is called for people; errors that are none are thrown on as they are. */
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
  if (cause instanceof AggregateError) return "no connection"; // to none of the host's addresses
  const isOfTheNetwork =
    cause instanceof errors.UndiciError || /^(ECONN|EPIPE|EHOST|ENET|EPROTO|HPE_|ERR_SSL|ERR_TLS)/.test(code);
  return isOfTheNetwork ? `the connection broke (${cause.message})` : null;
}

/** Statuses that say "later" (huggingface_hub, utils/_http.py). */
const laterStatuses: readonly number[] = [408, 429, 500, 502, 503, 504];

/** Throws a TransientError where a status says that the same request may be answered later. */
export async function refuseLater(answer: Answer): Promise<void> {
  if (!laterStatuses.includes(answer.status)) return;
  await discard(answer);
  const { host } = new URL(answer.url);
  throw new TransientError(`${host}: answered ${answer.status}`, { waitMs: askedWaitMs(answer.headers, Date.now()) });
}
