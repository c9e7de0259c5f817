/**
 * The requests of the page to its server. They throw a RefusedError with the server's message, or one that says that
 * the server does not answer.
 */
import type { AnswerEvent, AnswerRequest, KeptImage, LinkedSample, PageState, Refusal } from "../wire.ts";

export class RefusedError extends Error {
  override readonly name = "RefusedError";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

export async function fetchState(): Promise<PageState> {
  return (await (await send("/state")).json()) as PageState; // our own server's, see wire.ts
}

export async function fetchImage(path: string): Promise<Blob> {
  return (await send(path)).blob();
}

export async function uploadImage(bytes: Blob): Promise<KeptImage> {
  const headers = { "Content-Type": "application/octet-stream" };
  const response = await send("/images", { method: "POST", headers, body: bytes });
  return (await response.json()) as KeptImage; // our own server's, see wire.ts
}

export async function fetchLinked(run: string, sample: string): Promise<LinkedSample> {
  const response = await send(`/runs/${encodeURIComponent(run)}/${encodeURIComponent(sample)}`);
  return (await response.json()) as LinkedSample; // our own server's, see wire.ts
}

/** Calls back with each event as it arrives; returns after the last. */
export async function streamAnswers(
  request: AnswerRequest,
  { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: AnswerEvent) => void },
): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const response = await send("/answers", { method: "POST", headers, body: JSON.stringify(request), signal });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const chunk = await reader?.read();
    if (chunk === undefined || chunk.done) break;
    const lines = (rest + chunk.value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onEvent(JSON.parse(line) as AnswerEvent); // our own server's, see wire.ts
  }
}

async function send(path: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (options.signal?.aborted === true) throw error;
    throw new RefusedError("The server does not answer. Was it ended? Start it again: npx blip2-bench try", 0);
  }
  if (response.ok) return response;
  const refusal = (await response.json().catch(() => null)) as Refusal | null; // our own server's, see wire.ts
  throw new RefusedError(refusal?.message ?? `Refused with status ${response.status}.`, response.status);
}
