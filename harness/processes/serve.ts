/** The child's side of remote.ts: answers the calls of the process that started this one, one after the other. */
import { writeSync } from "node:fs";
import { isRequest, told } from "./messages.ts";
import type { ArgumentsOf, Memory, MethodOf, Reply, Request, ResultOf } from "./messages.ts";

/** What a method gets besides its arguments. */
export interface CallContext<Event> {
  /** Aborted when the caller cancels. */
  readonly signal: AbortSignal;
  /** Sends the caller an event, during the call or after it. */
  readonly tell: (event: Event) => void;
  /** Notes the time of a step of generation, see Stamps. */
  readonly onStep: () => void;
}

export type Served<Service, Event> = {
  readonly [Method in MethodOf<Service>]: (
    args: ArgumentsOf<Service, Method>,
    context: CallContext<Event>,
  ) => ResultOf<Service, Method> | Promise<ResultOf<Service, Method>>;
};

export interface ServeOptions<Service> {
  /** Methods that do not wait for the calls before them. */
  readonly atOnce?: readonly MethodOf<Service>[];
  /** What to do when a call arrives that has to wait its turn. */
  readonly onArrival?: {
    readonly [Method in MethodOf<Service>]?: (args: ArgumentsOf<Service, Method>) => void;
  };
  /** Before the process ends in order. */
  readonly onClose?: () => Promise<void>;
  /** Whether nothing more can be computed here after an error: the process ends with it as its last words. */
  readonly isFatal?: (error: unknown) => error is Error;
}

type CallRequest = Request & { readonly kind: "call" };
/** Serves until it is closed, or the process that calls is gone. */
export function serve<Service extends object, Event = never>(
  service: Served<Service, Event>,
  { atOnce = [], onArrival = {}, onClose, isFatal }: ServeOptions<Service> = {},
): void {
  const isServed = (method: string): method is MethodOf<Service> => Object.hasOwn(service, method);
  const running = new Map<number, AbortController>();
  let turn: Promise<unknown> = Promise.resolve();

  const answer = async ({ id, method, args }: CallRequest, receivedNs: bigint): Promise<void> => {
    const controller = running.get(id) ?? new AbortController();
    const startedNs = process.hrtime.bigint();
    const stepsNs: number[] = [];
    const context: CallContext<Event> = {
      signal: controller.signal,
      tell: (event) => {
        reply({ kind: "event", id, event });
      },
      onStep: () => {
        stepsNs.push(Number(process.hrtime.bigint() - startedNs));
      },
    };
    try {
      if (!isServed(method)) throw new Error(`asked for ${method}, which is not served here`);
      const value = await service[method](args as ArgumentsOf<Service, typeof method>, context); // the caller's type
      const stamps = { receivedNs, startedNs, finishedNs: process.hrtime.bigint(), stepsNs };
      reply({ kind: "result", id, value, stamps, memory: memory() });
    } catch (error) {
      if (isFatal?.(error) === true) endWith(error);
      reply({ kind: "error", id, error: told(error) });
    } finally {
      running.delete(id);
    }
  };

  process.on("message", (message) => {
    if (!isRequest(message)) throw new Error("a message that is no request");
    if (message.kind === "cancel") {
      running.get(message.id)?.abort(); // between two steps of the model, where messages come through
      return;
    }
    if (message.kind === "close") {
      turn = turn.then(onClose).then(() => {
        process.disconnect();
      });
      return;
    }
    const receivedNs = process.hrtime.bigint();
    const { id, method, args } = message;
    running.set(id, new AbortController());
    if (isServed(method)) {
      if (atOnce.includes(method)) {
        void answer(message, receivedNs);
        return;
      }
      onArrival[method]?.(args as ArgumentsOf<Service, typeof method>); // the caller's type
    }
    turn = turn.then(() => answer(message, receivedNs));
  });
  // Ctrl-C reaches every process of a terminal. The process that calls decides what becomes of it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  // What this process prints goes to the process that calls; where that is gone, printing fails, which changes nothing.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => undefined);
  process.on("disconnect", () => {
    // The process that would get the result is gone, and nothing here has to be closed in order.
    if (running.size > 0) process.kill(process.pid, "SIGKILL");
    else process.exit();
  });
}

function reply(message: Reply): void {
  if (process.connected) process.send?.(message);
}

function memory(): Memory {
  const kibibyte = 1024;
  return { residentBytes: process.memoryUsage.rss(), peakBytes: process.resourceUsage().maxRSS * kibibyte };
}

function endWith(error: Error): never {
  writeSync(process.stderr.fd, `${error.message}\n`);
  process.exit(1);
}
