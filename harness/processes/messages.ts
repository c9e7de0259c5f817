/**
 * What a process and a child of it that serves methods tell each other, as plain values (serialization "advanced": typed arrays
 * and bigints go through). Both ends are this code, so a message is known by its kind alone.
 */
import { CheckpointError, ImageError } from "../../models/model.ts";

/** A message to the child: call a method, cancel a call, or end once all calls are answered. */
export type Request =
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly args: unknown }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "close" };

/** When a call was worked on, by process.hrtime.bigint(): one clock for all processes of a machine. */
export interface Stamps {
  readonly receivedNs: bigint;
  readonly startedNs: bigint;
  readonly finishedNs: bigint;
  /** Nanoseconds from the start to each step of generation, see GenerationOptions.onStep. */
  readonly stepsNs: readonly number[];
}

export interface Memory {
  /** Resident now. */
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

/** A message from the child: any number of events of a call, then its result or its error. */
export type Reply =
  | { readonly kind: "event"; readonly id: number; readonly event: unknown }
  | {
      readonly kind: "result";
      readonly id: number;
      readonly value: unknown;
      readonly stamps: Stamps;
      readonly memory: Memory;
    }
  | { readonly kind: "error"; readonly id: number; readonly error: ToldError };

const requestKinds: readonly unknown[] = ["call", "cancel", "close"];
const replyKinds: readonly unknown[] = ["event", "result", "error"];

export function isRequest(message: unknown): message is Request {
  return typeof message === "object" && message !== null && "kind" in message && requestKinds.includes(message.kind);
}

export function isReply(message: unknown): message is Reply {
  return typeof message === "object" && message !== null && "kind" in message && replyKinds.includes(message.kind);
}

/** The methods of an interface; its other properties do not cross. */
export type MethodOf<Service> = {
  [Name in keyof Service]-?: Service[Name] extends ((...args: never) => unknown) | undefined ? Name : never;
}[keyof Service] &
  string;

export type ArgumentsOf<Service, Method extends MethodOf<Service>> =
  NonNullable<Service[Method]> extends (...args: infer Args) => unknown ? Args : never;

export type ResultOf<Service, Method extends MethodOf<Service>> =
  NonNullable<Service[Method]> extends (...args: never) => infer Result ? Awaited<Result> : never;

/** An error as it crosses to another process. */
export interface ToldError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

export function told(error: unknown): ToldError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: "" };
  return { name: error.name, message: error.message, stack: error.stack ?? "" };
}

/** The error again; of its class where that is one of those that a user can mend. */
export function revived({ name, message, stack }: ToldError): Error {
  const kinds = { CheckpointError, ImageError };
  const error = name === "CheckpointError" || name === "ImageError" ? new kinds[name](message) : new Error(message);
  if (stack !== "") error.stack = stack;
  return error;
}
