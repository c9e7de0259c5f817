/** Lines of a conversation: where they come from may break off. */
import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import type { Input } from "../../../harness/cli/declared-command.ts";
import { LineQueue } from "../../../harness/cli/own-images/line-queue.ts";

function failure(): Error {
  return Object.assign(new Error("read EIO"), { code: "EIO", syscall: "read" });
}

const unused = { onInterrupt: () => undefined, onGone: () => undefined };

describe("lines of a conversation", () => {
  it("that are not typed and break off are a mistake to mend, behind the lines that came before", async () => {
    const input = new PassThrough();
    const lines = new LineQueue(input, { edited: null, ...unused });
    input.write("what is it?\n");
    assert.equal(await lines.next(), "what is it?");
    const next = lines.next();
    input.emit("error", failure());
    const message = "standard input cannot be read: an input or output error (EIO).";
    await assert.rejects(next, (error) => error instanceof UsageError && error.message === message);
  });

  it("end when the terminal they are typed at goes away, which refuses to be set back, too", async () => {
    let refused = 0;
    const input: PassThrough & Input = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (isRaw: boolean) => {
        if (isRaw) return;
        refused += 1;
        input.emit("error", failure()); // what a terminal of Node's does
      },
    });
    let gone = 0;
    const onGone = (): void => {
      gone += 1;
    };
    const edited = new Writable({
      write: (_text, _encoding, done) => {
        done();
      },
    });
    const lines = new LineQueue(input, { edited, ...unused, onGone });
    const next = lines.next();
    input.end(); // what is read of a terminal that went away
    assert.equal(await next, null);
    assert.ok(refused > 0);
    assert.equal(gone, 1);
    input.emit("error", failure()); // afterwards, when nobody reads lines any more
  });
});
