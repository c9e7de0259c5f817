/** The calls of one checkpoint: done one after the other, in their order, and refused once it is released. */
import pLimit from "p-limit";
import { UsageError } from "../catalog/usage-error.ts";

export class CallQueue {
  readonly #name: string;
  /** A model keeps the state of one call, so calls must not overlap. */
  readonly #oneByOne = pLimit(1);
  #isReleased = false;

  /** `name`: the checkpoint's, for the message of a refusal. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Throws a UsageError where the checkpoint is released before the call's turn. */
  add<Result>(call: () => Promise<Result>): Promise<Result> {
    return this.#oneByOne(() => {
      if (this.#isReleased) throw new UsageError(`${this.#name}: released, and cannot be asked any more.`);
      return call();
    });
  }

  /** Calls `free` after the calls before it; does nothing where the checkpoint is released already. */
  release(free: () => Promise<void>): Promise<void> {
    return this.#oneByOne(async () => {
      if (this.#isReleased) return;
      this.#isReleased = true;
      await free();
    });
  }
}
