/**
 * A model in a process of its own, asked by messages: what it computes blocks nobody here, a crash of it is an error here, and
 * it can be ended at any time. It ends by itself when this process does.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import { CheckpointError, ImageError } from "../../models/model.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  ImageFile,
  LanguageModelFamily,
  VisionLanguageModel,
} from "../../models/model.ts";
import { isReply } from "./messages.ts";
import type { Call, LoadedModel, Memory, ModelPlace, Reply, Results, Stamps, ToldError, Work } from "./messages.ts";
import { processEnded } from "./model-process-error.ts";

export interface ModelProcessOptions {
  /** The file it runs, which calls serveModel; unset: a BLIP-2 that generates. */
  readonly entry?: string;
  readonly onPreparation?: (event: PreparationEvent) => void;
  readonly onPlacement?: (placement: GraphPlacement) => void;
  /** Words for error messages, besides the process's number: `worker 2`. */
  readonly label?: string;
}

/** An answer, and when it was worked on. */
export interface Timed<Value> {
  readonly value: Value;
  readonly stamps: Stamps;
}

export type Generations = readonly (Generation | FailedGeneration)[];

interface Waiting {
  readonly work: Work;
  readonly settle: (reply: Reply & { readonly kind: "answer" }) => void;
  readonly refuse: (error: Error) => void;
}

/** Characters kept of what the process writes, for the error that tells of its end. */
const lastWordsLength = 2000;

const blip2Entry = fileURLToPath(new URL(`./blip2-process${extname(import.meta.url)}`, import.meta.url));

export class ModelProcess implements VisionLanguageModel {
  readonly #child: ChildProcess;
  readonly #options: ModelProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #lastWords = "";
  #end: Error | null = null;
  #isEndAskedFor = false;
  #model: LoadedModel | null = null;
  #memory: Memory = { residentBytes: 0, peakBytes: 0 };
  #loadMs = 0;

  private constructor(options: ModelProcessOptions) {
    this.#options = options;
    this.#child = fork(options.entry ?? blip2Entry, {
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#lastWords = (this.#lastWords + text).slice(-lastWordsLength);
      });
    }
    this.#child.on("message", (message) => {
      if (isReply(message)) this.#take(message);
    });
    this.#child.on("error", (error) => {
      this.#close(error);
    });
    // Not "exit": what it wrote last may come after that.
    this.#child.on("close", (code, signal) => {
      const [first] = this.#waiting.values();
      const asked = first === undefined ? null : describe(first.work);
      this.#close(processEnded(this.#what, { asked, code, signal, lastWords: this.#lastWords }));
    });
  }

  /** Throws what loading throws, a CheckpointError among them, and a ModelProcessError where the process ends over it. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<ModelProcess> {
    const started = new ModelProcess(options);
    try {
      const start = performance.now();
      const { value } = await started.#ask({ kind: "load", place });
      started.#loadMs = performance.now() - start;
      started.#model = value;
      return started;
    } catch (error) {
      await started.kill();
      throw error;
    }
  }

  get name(): string {
    return this.#model?.name ?? "a model";
  }

  get family(): LanguageModelFamily {
    if (this.#model === null) throw new Error("the model is not loaded");
    return this.#model.family;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Of starting the process and loading the model. */
  get loadMs(): number {
    return this.#loadMs;
  }

  /** Of the process, as its last answer told. */
  get memory(): Memory {
    return this.#memory;
  }

  /** Why it is gone; null as long as it lives. */
  get end(): Error | null {
    return this.#end;
  }

  async readAhead(image: ImageFile): Promise<void> {
    await this.#ask({ kind: "readAhead", image }).catch(() => undefined); // `generate` will say it
  }

  /** `onAnswer` is called when all are there. */
  async generate(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Generations> {
    const { value } = await this.generateTimed(requests, options, batching);
    for (const [request, answer] of value.entries()) batching?.onAnswer?.(request, answer);
    return value;
  }

  /** As generate, and says when: by process.hrtime.bigint(), which all processes of a machine share. */
  generateTimed(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Timed<Generations>> {
    if (batching === undefined) return this.#ask({ kind: "generate", requests, options });
    const { size, refill, sharePrompt, shareImages } = batching; // onAnswer is a function, which does not cross
    const values = { size, refill, sharePrompt, ...(shareImages !== undefined && { shareImages }) };
    return this.#ask({ kind: "generate", requests, options, batching: values });
  }

  /** Waits for what was asked before, then for the end of the process. */
  async release(): Promise<void> {
    if (this.#end !== null) return;
    this.#isEndAskedFor = true;
    await this.#ask({ kind: "release" }).catch(() => undefined); // gone already
    await this.#gone();
  }

  /** Ends the process at once. What was asked of it is refused. */
  async kill(): Promise<void> {
    if (this.#end !== null) return;
    this.#isEndAskedFor = true;
    this.#child.kill("SIGKILL");
    await this.#gone();
  }

  get #what(): string {
    const label = this.#options.label === undefined ? "" : `${this.#options.label}, `;
    return `${this.name}: its process (${label}pid ${this.#child.pid ?? "unknown"})`;
  }

  async #gone(): Promise<void> {
    if (this.#end === null) await once(this.#child, "close");
  }

  #ask<Kind extends Work["kind"]>(work: Work & { readonly kind: Kind }): Promise<Timed<Results[Kind]>> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const call: Call = { id: this.#calls, work };
    this.#calls += 1;
    return new Promise((resolve, refuse) => {
      const settle: Waiting["settle"] = ({ value, stamps }) => {
        resolve({ value: value as Results[Kind], stamps }); // the answer to a call of this kind
      };
      this.#waiting.set(call.id, { work, settle, refuse });
      this.#child.send(call, (error) => {
        if (error !== null && this.#end !== null) refuse(this.#end); // "close" tells why it could not be sent
      });
    });
  }

  #take(reply: Reply): void {
    if (reply.kind === "event") {
      const { event } = reply;
      if (event.kind === "preparation") this.#options.onPreparation?.(event.event);
      else this.#options.onPlacement?.(event.placement);
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.kind === "error") {
      waiting?.refuse(revived(reply.error));
      return;
    }
    this.#memory = reply.memory;
    waiting?.settle(reply);
  }

  #close(end: Error): void {
    this.#end ??= this.#isEndAskedFor && this.#waiting.size === 0 ? new Error(`${this.#what} was released`) : end;
    for (const { refuse } of this.#waiting.values()) refuse(this.#end);
    this.#waiting.clear();
  }
}

/** The words for an error: what was asked when the process ended. */
function describe(work: Work): string {
  switch (work.kind) {
    case "load":
      return `the model in ${work.place.where}`;
    case "readAhead":
      return `image ${work.image.path}`;
    case "generate": {
      const [first] = work.requests;
      const start = first === undefined ? "" : `, from image ${first.image.id} on`;
      return `answers to ${work.requests.length} requests${start}`;
    }
    case "release":
      return "its release";
  }
}

/** The error, of the class it had where a user can mend it. */
function revived({ name, message, stack }: ToldError): Error {
  const kinds = { CheckpointError, ImageError };
  const error = name === "CheckpointError" || name === "ImageError" ? new kinds[name](message) : new Error(message);
  if (stack !== "") error.stack = stack;
  return error;
}
