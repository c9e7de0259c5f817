/** The body of an answer: what has come of it is held until it is taken, and the server waits where too much is held. */
import type { Dispatcher } from "undici";
import { countBytes } from "./chunks.ts";

/** More is held only where more is asked for at once. */
const heldBytes = 2 << 20;

/** A rest that is longer is not read to keep the connection: a new one costs less. */
const shortRestBytes = 128 << 10;

export class AnswerBody {
  readonly #controller: Dispatcher.DispatchController;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #end: "reached" | Error | null = null;
  /** Of the one who waits in `take`. */
  #wantedBytes = 0;
  #wake: () => void = () => undefined;

  constructor(controller: Dispatcher.DispatchController) {
    this.#controller = controller;
  }

  /** Of the connection: the next bytes. */
  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= this.#wantedBytes) this.#wake();
    if (this.#bytes >= Math.max(heldBytes, this.#wantedBytes)) this.#controller.pause();
  }

  /** Of the connection: nothing more comes, or why not. */
  finish(error: Error | null): void {
    this.#end ??= error ?? "reached";
    this.#wake();
  }

  /**
   * What has come since the last call, when it is as much as this or the end. Empty: everything was taken. Rejects with what
   * broke the connection, after all that came before has been taken.
   */
  async take(wantedBytes: number): Promise<readonly Buffer[]> {
    if (this.#bytes < wantedBytes && this.#end === null) {
      this.#wantedBytes = wantedBytes;
      if (this.#controller.paused) this.#controller.resume();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wantedBytes = 0;
    }
    if (this.#bytes === 0 && this.#end instanceof Error) throw this.#end;
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    if (this.#controller.paused) this.#controller.resume();
    return chunks;
  }

  /** All that is left; null: it is more than so many bytes, and the connection is closed. */
  async takeAll(mostBytes = Infinity): Promise<Buffer | null> {
    const chunks = [...(await this.take(mostBytes + 1))];
    if (countBytes(chunks) > mostBytes) {
      this.abort(new Error("longer than what is wanted"));
      return null;
    }
    await this.take(1); // rejects where these were not all
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  /** Reads a short rest, so that the connection can be used again; closes the connection where the rest is long. */
  async discard(): Promise<void> {
    try {
      for (let read = 0; read <= shortRestBytes;) {
        const chunks = await this.take(1);
        if (chunks.length === 0) return;
        for (const { length } of chunks) read += length;
      }
    } catch {
      return; // it is closed
    }
    this.abort(new Error("not read to its end"));
  }

  /** Closes the connection. */
  abort(reason: Error): void {
    if (this.#end !== null) return;
    this.finish(reason);
    this.#controller.abort(reason);
  }
}
