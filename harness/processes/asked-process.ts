/**
 * A process that a model is in, asked by messages: what it computes blocks nobody here, a crash of it is an error here, and
 * it can be ended at any time. It ends by itself when this process does.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import { isReply } from "./messages.ts";
import type { Call, LoadedModel, Memory, ModelPlace, Reply, Results, Stamps, Work } from "./messages.ts";
import { processEnded } from "./model-process-error.ts";
import { startChild } from "./start-child.ts";
import { revived } from "./told-error.ts";

export interface ModelProcessOptions {
  /** The file it runs, which calls serveModel; unset: a BLIP-2's. */
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

interface Waiting {
  readonly work: Work;
  readonly settle: (reply: Reply & { readonly kind: "answer" }) => void;
  readonly refuse: (error: Error) => void;
}

const blip2Entry = fileURLToPath(new URL(`./blip2-process${extname(import.meta.url)}`, import.meta.url));

export class AskedProcess {
  readonly #child: ChildProcess;
  readonly #options: ModelProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #end: Error | null = null;
  #isEndAskedFor = false;
  #model: LoadedModel | null = null;
  #memory: Memory = { residentBytes: 0, peakBytes: 0 };
  #loadMs = 0;

  constructor(options: ModelProcessOptions = {}) {
    this.#options = options;
    this.#child = startChild(options.entry ?? blip2Entry, {
      onMessage: (message) => {
        if (isReply(message)) this.#take(message);
      },
      onError: (error) => {
        this.#close(error);
      },
      onEnd: (end) => {
        const [first] = this.#waiting.values();
        const asked = first === undefined ? null : describe(first.work);
        this.#close(processEnded(this.#what, { asked, ...end }));
      },
    });
  }

  /** Throws what loading throws, a CheckpointError among them, and a ModelProcessError where the process ends over it. */
  async load(place: ModelPlace): Promise<LoadedModel> {
    try {
      const start = performance.now();
      const { value } = await this.ask({ kind: "load", place });
      this.#loadMs = performance.now() - start;
      this.#model = value;
      return value;
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  get name(): string {
    return this.#model?.name ?? "a model";
  }

  /** null until it is loaded. */
  get model(): LoadedModel | null {
    return this.#model;
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

  /** Waits for what was asked before, then for the end of the process. */
  async release(): Promise<void> {
    if (this.#end !== null) return;
    this.#isEndAskedFor = true;
    await this.ask({ kind: "release" }).catch(() => undefined); // gone already
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

  /** Throws what the work throws, and a ModelProcessError where the process ends over it. */
  ask<Kind extends Work["kind"]>(work: Work & { readonly kind: Kind }): Promise<Timed<Results[Kind]>> {
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
    case "embedImages":
    case "rankTexts": {
      const [first] = work.images;
      const start = first === undefined ? "" : `, from image ${first.id} on`;
      return `${work.kind === "rankTexts" ? "the texts of" : "vectors of"} ${work.images.length} images${start}`;
    }
    case "readTexts":
    case "readGallery":
    case "embedTexts":
      return `${work.kind === "readTexts" ? "tokens" : "vectors"} of ${work.texts.length} texts`;
    case "compare":
      return `similarities of ${work.images.length} images`;
    case "match":
      return `matches of image ${work.image.id} with ${work.texts.length} texts`;
    case "forget":
      return "room";
    case "release":
      return "its release";
  }
}
