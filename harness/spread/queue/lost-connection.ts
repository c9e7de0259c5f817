/** What is said while Redis cannot be reached: once that it is lost, and once that it is there again. */
import { UsageError } from "../../catalog/usage-error.ts";

/** Beginnings of what Redis answers to a user that it does not let in. */
const refusals = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

export class LostConnection {
  #isTold = false;
  readonly #onMessage: (message: string) => void;

  constructor(onMessage: (message: string) => void) {
    this.#onMessage = onMessage;
  }

  /** For the errors of a connection, which is tried again for ever. */
  readonly tell = (error: Error): void => {
    if (this.#isTold || refusals.test(error.message)) return; // the next command fails with a refusal
    this.#isTold = true;
    const code = "code" in error ? String(error.code) : error.name;
    this.#onMessage(`Redis cannot be reached (${code}); it is tried again. All answers so far are kept.`);
  };

  isBack(): void {
    if (this.#isTold) this.#onMessage("Redis is there again.");
    this.#isTold = false;
  }
}

/** A UsageError where Redis does not let this user in; anything else is thrown as it is. */
export function asRefusal(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const [, word] = refusals.exec(error.message) ?? [];
  if (word === undefined) return error;
  return new UsageError(
    `BLIP2_BENCH_REDIS: Redis refuses the user, the password or a command (${word}). Give them in the address: ` +
      "redis://user:password@host:6379; docs/scale-out.md has the rights that a user needs.",
    { cause: error },
  );
}
