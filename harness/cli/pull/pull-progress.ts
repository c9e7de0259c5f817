/** Progress of a download in a line: `blip2-opt-2.7b: 3.2 of 15.0 GB, 2.9 GB verified, 112 MB/s, 1:45 left`. */
import type { NetworkEvent } from "../../pull/network/network.ts";
import { clockTime } from "../terminal.ts";
import type { Terminal } from "../terminal.ts";

export class PullProgress {
  readonly #terminal: Terminal;
  #work = "";
  #totalBytes = 0;
  #hereBytes = 0;
  /** Bytes received since `begin`, without those of an earlier process. */
  #newBytes = 0;
  #verifiedBytes = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @param totalBytes size of all files, including bytes that an earlier process received */
  begin(work: string, totalBytes: number): void {
    this.#work = work;
    this.#totalBytes = totalBytes;
    this.#hereBytes = 0;
    this.#newBytes = 0;
    this.#verifiedBytes = 0;
  }

  tell(event: NetworkEvent): void {
    switch (event.kind) {
      case "message":
        this.#terminal.note(event.text);
        return;
      case "finished":
        return;
      case "resumed":
        this.#hereBytes += event.bytes;
        break;
      case "received":
        this.#hereBytes += event.bytes;
        this.#newBytes += event.bytes;
        break;
      case "checked":
        this.#verifiedBytes += event.bytes;
        break;
      case "discarded":
        this.#hereBytes -= event.bytes;
        this.#verifiedBytes -= event.checkedBytes;
        break;
    }
    if (this.#totalBytes === 0) return;
    const isLast = this.#verifiedBytes >= this.#totalBytes;
    this.#terminal.advance({ work: this.#work, isLast, line: (elapsedMs) => this.#line(elapsedMs) });
  }

  #line(elapsedMs: number): string {
    const amount = amountLike(this.#totalBytes);
    const parts = [`${this.#work}: ${amount(this.#hereBytes, false)} of ${amount(this.#totalBytes)}`];
    parts.push(`${amount(this.#verifiedBytes)} verified`);
    const perSecond = (this.#newBytes * 1000) / elapsedMs;
    if (this.#newBytes > 0 && Number.isFinite(perSecond)) {
      parts.push(`${amountLike(perSecond)(perSecond)}/s`);
      const leftBytes = this.#totalBytes - this.#hereBytes;
      parts.push(leftBytes > 0 ? `${clockTime(leftBytes / perSecond)} left` : `in ${clockTime(elapsedMs / 1000)}`);
    }
    return parts.join(", ");
  }
}

/** A function that formats bytes in the unit that suits `sizeBytes`. */
function amountLike(sizeBytes: number): (bytes: number, withUnit?: boolean) => string {
  const [unit, scale] = sizeBytes >= 1e9 ? ["GB", 1e9] : sizeBytes >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return (bytes, withUnit = true) => `${(bytes / scale).toFixed(1)}${withUnit ? ` ${unit}` : ""}`;
}
