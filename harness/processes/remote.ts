/**
 * A service in a process of its own, called by the methods of its interface: what it computes does not block this process, its
 * crash is an error here, and it can be ended at any time. It ends by itself when this process does.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { isReply, revived } from "./messages.ts";
import type { ArgumentsOf, Memory, MethodOf, Reply, Request, ResultOf, Stamps } from "./messages.ts";
import { processEnded } from "./model-process-error.ts";
import { startChild } from "./start-child.ts";

/** For each method the words of an error that say what was asked when the process ended. */
export type Words<Service> = {
  readonly [Method in MethodOf<Service>]: (...args: ArgumentsOf<Service, Method>) => string;
};

export interface RemoteOptions<Service, Event> {
  /** The file it runs, which calls serve (serve.ts). */
  readonly entry: string;
  readonly words: Words<Service>;
  /** Words for error messages, besides the process's number: `worker 2`. */
  readonly label?: string | undefined;
  /** Gets events that no call has a listener for, such as those that come after its result. */
  readonly onEvent?: ((event: Event) => void) | undefined;
}

export interface CallOptions<Event> {
  /** Cancels the call: its method is told by a signal, and decides how it ends. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: Event) => void) | undefined;
}

/** A result, and when it was worked on. */
export interface Timed<Value> {
  readonly value: Value;
  readonly stamps: Stamps;
}

interface PendingCall {
  readonly asked: () => string;
  readonly onEvent: ((event: unknown) => void) | null;
  readonly settle: (reply: Reply & { readonly kind: "result" }) => void;
  readonly refuse: (error: Error) => void;
}

export class Remote<Service extends object, Event = never> {
  /** Name of the model, for error messages. */
  name = "a model";
  readonly #child: ChildProcess;
  readonly #options: RemoteOptions<Service, Event>;
  readonly #waiting = new Map<number, PendingCall>();
  /** Calls whose arguments are still being made. */
  readonly #unasked = new Set<Promise<unknown>>();
  #calls = 0;
  #end: Error | null = null;
  #isEndAskedFor = false;
  #memory: Memory = { residentBytes: 0, peakBytes: 0 };

  constructor(options: RemoteOptions<Service, Event>) {
    this.#options = options;
    this.#child = startChild(options.entry, {
      onMessage: (message) => {
        if (isReply(message)) this.#take(message);
      },
      onError: (error) => {
        this.#close(error);
      },
      onEnd: (end) => {
        const [first] = this.#waiting.values();
        this.#close(processEnded(this.#what, { asked: first?.asked() ?? null, ...end }));
      },
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Memory of the process, as its last result said. */
  get memory(): Memory {
    return this.#memory;
  }

  /** Why it is gone; null as long as it lives. */
  get end(): Error | null {
    return this.#end;
  }

  /** Throws what the method throws, and a ModelProcessError where the process ends over it. */
  call<Method extends MethodOf<Service>>(
    method: Method,
    args: ArgumentsOf<Service, Method>,
    { signal, onEvent }: CallOptions<Event> = {},
  ): Promise<Timed<ResultOf<Service, Method>>> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const id = this.#calls;
    this.#calls += 1;
    const cancel = (): void => {
      this.#send({ kind: "cancel", id });
    };
    signal?.addEventListener("abort", cancel, { once: true });
    const called = new Promise<Timed<ResultOf<Service, Method>>>((resolve, refuse) => {
      this.#waiting.set(id, {
        asked: () => this.#options.words[method](...args),
        onEvent: (onEvent as PendingCall["onEvent"] | undefined) ?? null, // the events of this service
        settle: ({ value, stamps }) => {
          resolve({ value: value as ResultOf<Service, Method>, stamps }); // the result of this method
        },
        refuse,
      });
      this.#send({ kind: "call", id, method, args });
    });
    if (signal?.aborted === true) cancel();
    return called.finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** As `call`, with arguments that are still being made, such as bytes that are read; `release` waits for these, too. */
  async callWhenMade<Method extends MethodOf<Service>>(
    method: Method,
    args: Promise<ArgumentsOf<Service, Method>>,
    options: CallOptions<Event> = {},
  ): Promise<Timed<ResultOf<Service, Method>>> {
    const asked = args.then((made) => ({ result: this.call(method, made, options) }));
    this.#unasked.add(asked);
    try {
      return await (
        await asked
      ).result;
    } finally {
      this.#unasked.delete(asked);
    }
  }

  /** The method as a function that gives its result alone. */
  forward<Method extends MethodOf<Service>>(
    method: Method,
  ): (...args: ArgumentsOf<Service, Method>) => Promise<ResultOf<Service, Method>> {
    return async (...args) => (await this.call(method, args)).value;
  }

  /** Waits for what was asked before, then for the end of the process. */
  async release(): Promise<void> {
    await Promise.allSettled(this.#unasked);
    if (this.#end !== null) return;
    this.#isEndAskedFor = true;
    this.#send({ kind: "close" });
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

  #send(request: Request): void {
    if (this.#child.connected) this.#child.send(request, () => undefined); // "close" tells why it could not be sent
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (reply.kind === "event") {
      const onEvent = waiting?.onEvent ?? null;
      if (onEvent !== null) onEvent(reply.event);
      else this.#options.onEvent?.(reply.event as Event); // an event of this service
      return;
    }
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
