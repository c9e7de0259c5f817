/** The server of `try` with fake checkpoints: in this process, asked as the page asks it; and as a process of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Terminal } from "../../harness/cli/terminal.ts";
import { startTrying } from "../../harness/try/start-trying.ts";
import type { Serving, TrySettings } from "../../harness/try/start-trying.ts";
import type { AnswerEvent, Asked, KeptImage, Work } from "../../harness/try/wire.ts";
import { environment } from "./command-process.ts";
import { fakeTryCatalog, fakeTryCommand } from "./fake-try-catalog.ts";
import { bundledData } from "./fakes.ts";
import { hangMs } from "./project.ts";
import { temporaryFolder } from "./temporary-files.ts";

export const bundledImage = join(bundledData, "val2014", "COCO_val2014_000000000108.jpg");

export interface Tried extends Serving {
  readonly url: string;
  /** What it says on stderr. */
  readonly said: () => string;
}

export async function startTry(change: Partial<TrySettings> = {}, catalog = fakeTryCatalog): Promise<Tried> {
  let said = "";
  const output = { write: (text: string) => (said += text) };
  const terminal = new Terminal({
    stdout: output,
    stderr: output,
    env: {},
    isQuiet: false,
    noColor: true,
    now: () => performance.now(),
  });
  const folder = temporaryFolder();
  const settings: TrySettings = {
    host: "localhost",
    port: 0,
    models: [],
    precisions: ["fp32", "int8"],
    threads: 1,
    device: { name: "cpu", id: 0 },
    cache: join(folder, "cache"),
    runs: [],
    data: null,
    keepModels: 2,
    maxUploadBytes: 1_000_000,
    maxPixels: null,
    ...change,
  };
  const serving = await startTrying(settings, { catalog, hubCache: join(folder, "hub"), terminal });
  return { ...serving, url: `http://localhost:${serving.port}`, said: () => said };
}

export function post(url: string, type: string, body: string | Uint8Array, signal?: AbortSignal): Promise<Response> {
  const bytes = typeof body === "string" ? body : new Uint8Array(body);
  return fetch(url, {
    method: "POST",
    headers: { "Content-Type": type },
    body: bytes,
    signal: signal ?? AbortSignal.timeout(hangMs),
  });
}

export async function upload(url: string, bytes: Uint8Array = readFileSync(bundledImage)): Promise<KeptImage> {
  const response = await post(`${url}/images`, "application/octet-stream", bytes);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as KeptImage;
}

export const asking = (question: string): Work => ({ kind: "ask", question });

/** Each is of the checkpoint `fake` in fp32 where it does not say otherwise. */
export function requestOf(
  image: string,
  works: readonly Work[],
  { client = "a client", ...of }: Partial<Asked> & { readonly client?: string } = {},
): string {
  const asked = works.map((work) => ({ checkpoint: "fake", precision: "fp32", work, ...of }));
  return JSON.stringify({ client, image, asked, decoding: { beams: null, maxNewTokens: null, sampling: null } });
}

/** Events as they come, until the end of the answers. */
export async function* eventsOf(response: Response): AsyncGenerator<AnswerEvent> {
  assert.equal(response.status, 200, response.ok ? "" : await response.text());
  let rest = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as AnswerEvent;
  }
  assert.equal(rest, "", "whole lines");
}

export async function allEvents(url: string, request: string): Promise<readonly AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of eventsOf(await post(`${url}/answers`, "application/json", request))) events.push(event);
  return events;
}

/** What was said in the end, by lane: text, matches or why there is neither. */
export function endsOf(events: readonly AnswerEvent[]): readonly string[] {
  const ends: string[] = [];
  for (const event of events) {
    if (event.kind === "answer") ends[event.lane] = event.answer.text;
    if (event.kind === "failed") ends[event.lane] = `failed: ${event.message}`;
    if (event.kind === "matches") ends[event.lane] = event.matches.texts.map(({ text }) => text).join(", ");
  }
  return ends;
}

export interface TryProcess {
  readonly child: ChildProcess;
  readonly url: string;
  readonly err: () => string;
}

/** Comes back when it has said where it serves. */
export async function tryProcess(...words: string[]): Promise<TryProcess> {
  const folder = temporaryFolder();
  const child = spawn(process.execPath, [fakeTryCommand, "try", "--port", "0", ...words], {
    cwd: folder,
    env: environment(folder),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: hangMs,
    killSignal: "SIGKILL",
  });
  let [out, err] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const ended = once(child, "close").then(() => {
    throw new Error(`it ended: ${err}`);
  });
  ended.catch(() => undefined);
  while (!out.includes("\n")) await Promise.race([once(child.stdout, "data"), ended]);
  return { child, url: out.trim().replace(/\/$/, ""), err: () => err };
}
