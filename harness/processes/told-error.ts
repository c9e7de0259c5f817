/** An error on its way from a model's process: what crosses, and what it becomes again. */
import { CheckpointError, ImageError } from "../../models/model.ts";

export interface ToldError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

export function told(error: unknown): ToldError {
  if (!(error instanceof Error)) return { name: "Error", message: String(error), stack: "" };
  return { name: error.name, message: error.message, stack: error.stack ?? "" };
}

/** The error, of the class it had where a user can mend it. */
export function revived({ name, message, stack }: ToldError): Error {
  const kinds = { CheckpointError, ImageError };
  const error = name === "CheckpointError" || name === "ImageError" ? new kinds[name](message) : new Error(message);
  if (stack !== "") error.stack = stack;
  return error;
}
