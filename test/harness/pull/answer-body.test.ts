/** Bodies of answers as they come: how much is held, what is given when, and what is done about a rest that nobody wants. */
import assert from "node:assert/strict";
import { AnswerBody } from "../../../harness/pull/network/answer-body.ts";
import { splitChunks } from "../../../harness/pull/network/chunks.ts";

const bytes = (count: number, value = 0): Buffer => Buffer.alloc(count, value);
const lengths = (chunks: readonly Uint8Array[]): readonly number[] => chunks.map(({ length }) => length);

/** A connection that only notes what it is told. */
class NotedConnection {
  paused = false;
  reason: Error | null = null;
  get aborted(): boolean {
    return this.reason !== null;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  abort(reason: Error): void {
    this.reason = reason;
  }
}

describe("the body of an answer", () => {
  let connection = new NotedConnection();
  let body = new AnswerBody(connection);
  beforeEach(() => {
    connection = new NotedConnection();
    body = new AnswerBody(connection);
  });

  it("is given when as much has come as was asked for, and its rest at the end", async () => {
    const taken = body.take(100);
    let isGiven = false;
    void taken.then(() => (isGiven = true));
    body.add(bytes(60));
    await Promise.resolve();
    assert.equal(isGiven, false);
    body.add(bytes(60));
    assert.deepEqual(lengths(await taken), [60, 60]);
    body.add(bytes(5));
    body.finish(null);
    assert.deepEqual(lengths(await body.take(100)), [5]);
    assert.deepEqual(await body.take(100), []);
  });

  it("makes the server wait while too much is held, and go on when that is taken", async () => {
    for (let each = 0; each < 2; each += 1) {
      assert.equal(connection.paused, false);
      body.add(bytes(1 << 20));
    }
    assert.equal(connection.paused, true);
    assert.deepEqual(lengths(await body.take(1)), [1 << 20, 1 << 20]);
    assert.equal(connection.paused, false);
  });

  it("comes whole, however long it is, where all of it is asked for at once", async () => {
    body.add(bytes(3 << 20, 1));
    assert.equal(connection.paused, true);
    const all = body.takeAll();
    assert.equal(connection.paused, false);
    body.add(bytes(3 << 20, 2));
    assert.equal(connection.paused, false);
    body.finish(null);
    assert.ok((await all)?.equals(Buffer.concat([bytes(3 << 20, 1), bytes(3 << 20, 2)])));
  });

  it("gives what came before its connection broke, and then what broke it", async () => {
    body.add(bytes(7));
    body.finish(new Error("broken"));
    assert.deepEqual(lengths(await body.take(100)), [7]);
    await assert.rejects(body.take(100), /broken/);
    const other = new AnswerBody(connection);
    other.add(bytes(7));
    other.finish(new Error("broken"));
    await assert.rejects(other.takeAll(), /broken/);
  });

  it("is read to its end where it is short and not wanted, and broken off where it is long", async () => {
    body.add(bytes(1000));
    const discarded = body.discard();
    body.finish(null);
    await discarded;
    assert.equal(connection.aborted, false);
    const long = new AnswerBody(connection);
    long.add(bytes(200_000));
    await long.discard();
    assert.equal(connection.aborted, true);
  });
});

describe("bytes in several buffers", () => {
  const chunks = [Buffer.from("abc"), Buffer.from("de"), Buffer.from("f")];
  const words = (parts: readonly Uint8Array[]): string => Buffer.concat([...parts]).toString();
  for (let at = 0; at <= 7; at += 1) {
    it(`are parted after ${at}`, () => {
      const [head, tail] = splitChunks(chunks, at);
      assert.equal(words(head), "abcdef".slice(0, at));
      assert.equal(words(tail), "abcdef".slice(at));
    });
  }
});
