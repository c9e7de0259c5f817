/**
 * The HTTP routes of the page's server. Every route is fixed: no path of a request is used as a path on disk.
 *
 *   GET  /  /style.css  /page/*.js    the page
 *   GET  /state                       what can be asked: PageState
 *   GET  /samples/<n>                 a picture that comes with the program
 *   POST /images                      an image's bytes → KeptImage;  GET /images/<id> gives them back
 *   GET  /runs/<run>/<sample>         a sample of a report: LinkedSample
 *   POST /answers                     AnswerRequest → lines of AnswerEvent, until the last or a disconnect
 */
import { readFile } from "node:fs/promises";
import { Hono } from "hono";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { stream } from "hono/streaming";
import { ImageError } from "../../models/model.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import { answerAll, readAnswerRequest, refusalOf } from "./answers.ts";
import type { Answering } from "./answers.ts";
import { onlyType, refuse, refuseStrangers, withHeaders } from "./guard.ts";
import type { KeptImages } from "./kept-images.ts";
import { LinkError } from "./linked-samples.ts";
import type { LinkedSamples } from "./linked-samples.ts";
import type { PageFile } from "./page-files.ts";
import type { PageState } from "./wire.ts";

export interface ServerParts {
  readonly files: ReadonlyMap<string, PageFile>;
  /** Paths of the pictures that come with the program. */
  readonly samples: readonly string[];
  readonly state: PageState;
  readonly images: KeptImages;
  readonly linked: LinkedSamples;
  readonly answering: Answering;
  /** Accepted values of the Host header. */
  readonly hosts: () => ReadonlySet<string>;
  /** Aborted when the server stops: running answers end then. */
  readonly signal: AbortSignal;
  /** Called with an unexpected error, a bug of this program, to be printed on the terminal. */
  readonly onMistake: (error: Error) => void;
}

const requestBytes = 1_000_000; // a conversation of hundreds of turns

export function createServer(parts: ServerParts): Hono {
  const { files, samples, state, images, linked, answering, hosts } = parts;
  const app = new Hono();
  app.use(withHeaders(), refuseStrangers(hosts));
  app.notFound((context) => refuse(context, 404, "There is nothing here."));
  app.onError((error, context) => {
    if (error instanceof ImageError) return refuse(context, 422, error.message);
    if (error instanceof LinkError || error instanceof RunFolderError) return refuse(context, 404, error.message);
    parts.onMistake(error);
    return refuse(context, 500, `${error.message} This is a mistake in blip2-bench.`);
  });

  for (const [path, { type, body }] of files) {
    app.get(path, (context) => context.body(body, 200, { "Content-Type": type }));
  }
  app.get("/state", (context) => context.json(state));
  app.get("/samples/:number{[0-9]+}", async (context) => {
    const path = samples[Number(context.req.param("number"))];
    if (path === undefined) return refuse(context, 404, `Found ${samples.length} pictures, not that one.`);
    return imageResponse(context, await readFile(path), "JPEG");
  });

  const { uploadBytes } = state.limits;
  app.post("/images", onlyType("application/octet-stream"), limited(uploadBytes, "--max-upload"), async (context) => {
    return context.json(await images.add(Buffer.from(await context.req.arrayBuffer()), "The file"));
  });
  app.get("/images/:id{[0-9a-f]{64}}", (context) => {
    const found = images.get(context.req.param("id"));
    if (found === null) return refuse(context, 410, goneMessage);
    return imageResponse(context, found.bytes, found.image.format);
  });

  app.get("/runs/:run{[0-9a-f]+}/:sample", async (context) => {
    const { run, sample } = context.req.param();
    return context.json(await linked.find({ run, sample }, { images, offered: answering.offered }));
  });

  app.post("/answers", onlyType("application/json"), limited(requestBytes, null), async (context) => {
    const request = readAnswerRequest(await context.req.json().catch(() => null));
    if (typeof request === "string") return refuse(context, 400, request);
    for (const asked of request.asked) {
      const refusal = refusalOf(asked, answering);
      if (refusal !== null) return refuse(context, 422, refusal);
    }
    const found = images.get(request.image);
    if (found === null) return refuse(context, 410, goneMessage);
    context.header("Content-Type", "application/x-ndjson; charset=utf-8");
    return stream(context, async (lines) => {
      const gone = new AbortController();
      lines.onAbort(() => {
        gone.abort();
      });
      const signal = AbortSignal.any([gone.signal, parts.signal]);
      await answerAll(request, found.bytes, {
        answering,
        told: { signal, tell: (event) => void lines.writeln(JSON.stringify(event)) },
      });
    });
  });
  return app;
}

const goneMessage = "The image is no longer kept here. Give it again.";

function imageResponse(context: Context, bytes: Buffer, format: string): Response {
  return context.body(new Uint8Array(bytes), 200, { "Content-Type": `image/${format.toLowerCase()}` });
}

/** `flag`: the flag that raises the limit, for the message; null: there is none. */
function limited(maxSize: number, flag: string | null): ReturnType<typeof bodyLimit> {
  const amount = `${(maxSize / 1e6).toLocaleString("en-US")} MB`;
  const advice = flag === null ? "" : ` Scale the image down, or start try with a larger ${flag}.`;
  return bodyLimit({
    maxSize,
    onError: async (context) => {
      await passOver(context.req.raw.body);
      return refuse(context, 413, `More than ${amount}, the limit of an upload.${advice}`);
    },
  });
}

const mostPassedOver = 200_000_000; // bytes; the connection is closed on a client that sends more

/** Reads the rest of a refused body, since a client reads the answer only after it has sent everything. */
async function passOver(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null || body.locked) return;
  let passed = 0;
  for await (const chunk of body) {
    passed += chunk.length;
    if (passed > mostPassedOver) return;
  }
}
