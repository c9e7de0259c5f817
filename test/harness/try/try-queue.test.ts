/** Many at once at the server of `try`: taking turns, told their place, let go when they leave; and its end. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import sharp from "sharp";
import { CancelledError, FairQueue, QueueFullError } from "../../../harness/try/fair-queue.ts";
import { KeptImages } from "../../../harness/try/kept-images.ts";
import type { AnswerEvent } from "../../../harness/try/wire.ts";
import { assertFails, runProcess } from "../../support/command-process.ts";
import { fakeTryCommand } from "../../support/fake-try-catalog.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { asking, endsOf, eventsOf, post, requestOf, startTry, tryProcess, upload } from "../../support/try-server.ts";
import type { Tried } from "../../support/try-server.ts";

/** A queue whose work ends when it is told to. */
class Clients {
  readonly queue = new FairQueue({ most: 6 });
  readonly begun: string[] = [];
  readonly places: string[] = [];
  readonly #ends: (() => void)[] = [];

  add(client: string, name: string, signal = new AbortController().signal): Promise<string> {
    const onPlace = (before: number): void => void this.places.push(`${name} ${before}`);
    return this.queue.add(client, { signal, onPlace }, async () => {
      this.begun.push(name);
      await new Promise<void>((resolve) => this.#ends.push(resolve));
      return name;
    });
  }

  async endOne(): Promise<void> {
    this.#ends.shift()?.();
    await setTimeout(0);
  }
}

describe("the queue of try", () => {
  it("takes clients in turns, however much one of them asks", async () => {
    const clients = new Clients();
    const all = ["a1", "a2", "a3", "b1", "c1"].map((name) => clients.add(name.slice(0, 1), name));
    for (let each = 0; each < all.length; each += 1) await clients.endOne();
    assert.deepEqual(clients.begun, ["a1", "b1", "c1", "a2", "a3"]);
    assert.deepEqual(await Promise.all(all), ["a1", "a2", "a3", "b1", "c1"]);
  });

  it("puts a client who was served behind those who wait", async () => {
    const clients = new Clients();
    for (const name of ["a1", "b1", "c1"]) void clients.add(name.slice(0, 1), name);
    void clients.add("a", "a2");
    for (let each = 0; each < 4; each += 1) await clients.endOne();
    assert.deepEqual(clients.begun, ["a1", "b1", "c1", "a2"]);
  });

  it("tells everybody's place whenever it changes", async () => {
    const clients = new Clients();
    for (const name of ["a1", "a2", "b1"]) void clients.add(name.slice(0, 1), name);
    assert.deepEqual(clients.places, ["a2 1", "b1 1", "a2 2"]);
    await clients.endOne();
    assert.deepEqual(clients.places.slice(3), ["a2 1"]);
  });

  it("lets go of those who leave, at once and without their work", async () => {
    const clients = new Clients();
    const leaving = new AbortController();
    void clients.add("a", "a1");
    const left = clients.add("b", "b1", leaving.signal);
    void clients.add("c", "c1");
    leaving.abort();
    await assert.rejects(left, CancelledError);
    assert.equal(clients.queue.length, 1);
    assert.equal(clients.places.at(-1), "c1 1");
    await clients.endOne();
    assert.deepEqual(clients.begun, ["a1", "c1"]);
    await assert.rejects(clients.add("b", "b2", leaving.signal), CancelledError);
  });

  it("refuses more than may wait", async () => {
    const clients = new Clients();
    for (let each = 0; each < 7; each += 1) void clients.add("a", `a${each}`);
    await assert.rejects(clients.add("b", "b1"), (error: Error) => {
      return error instanceof QueueFullError && error.message.startsWith("6 answers are waited for already.");
    });
  });
});

describe("images that try keeps", () => {
  it("are bounded in number and in bytes; the least used goes first", async () => {
    const pictures = await Promise.all(
      ["red", "green", "blue"].map((background) =>
        sharp({ create: { width: 9, height: 9, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const size = Math.max(...pictures.map(({ length }) => length));
    for (const limits of [
      { count: 2, bytes: 1e9 },
      { count: 9, bytes: 2 * size },
    ]) {
      const images = new KeptImages({ ...limits, sizes: { side: 1000, pixels: 1000 } });
      const { id: red } = await images.add(pictures[0]!, "red");
      const { id: green } = await images.add(pictures[1]!, "green");
      assert.ok(images.get(red));
      const { id: blue } = await images.add(pictures[2]!, "blue");
      assert.deepEqual(
        [red, green, blue].map((id) => images.get(id) !== null),
        [true, false, true],
      );
    }
  });
});

describe("ten clients of try at once", () => {
  let tried: Tried;
  beforeEach(async () => {
    tried = await startTry();
  });
  afterEach(() => tried.stop());

  it("are queued and told their place, and all are answered", async () => {
    const { id } = await upload(tried.url);
    const order: string[] = [];
    const all = Array.from({ length: 10 }, async (_, index) => {
      const client = `client ${index}`;
      const request = requestOf(id, [asking(`${index}`), asking(`${index} again`)], { client });
      const events: AnswerEvent[] = [];
      for await (const event of eventsOf(await post(`${tried.url}/answers`, "application/json", request))) {
        events.push(event);
        if (event.kind === "answer") order.push(event.answer.text);
      }
      return events;
    });
    const found = await Promise.all(all);
    for (const [index, events] of found.entries()) {
      assert.deepEqual(endsOf(events), [`you asked: ${index}`, `you asked: ${index} again`]);
    }
    const places = found.flatMap((events) => events.flatMap((event) => (event.kind === "queued" ? event.before : [])));
    assert.ok(Math.max(...places) >= 10, "somebody waited for the others");
    const seconds = order.flatMap((text, index) => (text.endsWith("again") ? index : []));
    assert.ok(Math.min(...seconds) >= 9, `nobody had a second answer before the others their first: ${order.join()}`);
  });

  it("are let go when they leave, whether they wait or are being answered", async () => {
    const { id } = await upload(tried.url);
    const leaving = Array.from({ length: 10 }, () => new AbortController());
    const texts: string[] = [];
    const all = leaving.map(async ({ signal }, index) => {
      const question = `slowly ${"word ".repeat(200)}`; // twelve seconds each: more than this test may take together
      const request = requestOf(id, [asking(question)], { client: `client ${index}` });
      for await (const event of eventsOf(await post(`${tried.url}/answers`, "application/json", request, signal))) {
        if (event.kind === "text") texts.push(event.text);
        if (texts.length === 3) for (const each of leaving) each.abort();
      }
    });
    const ends = await Promise.allSettled(all);
    assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(["rejected"]));
    const next = requestOf(id, [asking("next")], { client: "another" });
    const events: AnswerEvent[] = [];
    for await (const event of eventsOf(await post(`${tried.url}/answers`, "application/json", next)))
      events.push(event);
    assert.deepEqual(endsOf(events), ["you asked: next"]);
    assert.equal(events.filter(({ kind }) => kind === "loading").length, 0, "the checkpoint stayed loaded");
  });

  it("end the checkpoint that was not asked for the longest time, where too many are loaded", async () => {
    const { id } = await upload(tried.url);
    const loads = async (checkpoint: string, precision: string): Promise<boolean> => {
      const request = requestOf(id, [asking("a")], { checkpoint, precision });
      const events: AnswerEvent[] = [];
      for await (const event of eventsOf(await post(`${tried.url}/answers`, "application/json", request))) {
        events.push(event);
      }
      return events.some(({ kind }) => kind === "loading");
    };
    const asked = ["fake fp32", "fake int8", "fake fp32", "fake-two fp32", "fake fp32", "fake int8"];
    const found: boolean[] = [];
    for (const each of asked) {
      const [checkpoint = "", precision = ""] = each.split(" ");
      found.push(await loads(checkpoint, precision));
    }
    assert.deepEqual(found, [true, true, false, true, false, true]);
  });
});

describe("blip2-bench try", () => {
  it("says where it serves on stdout, and ends by Ctrl-C in the middle of an answer with 130, its processes, too", async () => {
    const { child, url, err } = await tryProcess();
    const { id } = await upload(url);
    const request = requestOf(id, [asking(`slowly ${"word ".repeat(300)}`), asking("waits")]);
    const ended = once(child, "close");
    let isStopped = false;
    await assert.rejects(async () => {
      for await (const event of eventsOf(await post(`${url}/answers`, "application/json", request))) {
        if (event.kind === "text" && !isStopped) {
          isStopped = true;
          child.kill("SIGINT");
        }
      }
    });
    assert.deepEqual(await ended, [130, null], err());
    assert.match(err(), /Open it in a browser\. Ctrl-C ends it\.\nStopping\.\n$/);
    await assert.rejects(fetch(url));
  });

  it("says what to do where its port is in use", async () => {
    const tried = await startTry();
    const words = ["try", "--port", String(tried.port)];
    const ended = runProcess(temporaryFolder(), { command: fakeTryCommand, words });
    assertFails(
      ended,
      2,
      `--port ${tried.port}: in use by another program, or by another try. End that one, or give another --port, such as ${tried.port + 1}.`,
    );
    await tried.stop();
  });

  it("warns where other machines can use it, and says what else is wrong with its flags", async () => {
    const { child, err, url } = await tryProcess("--host", "0.0.0.0");
    assert.match(url, /^http:\/\/0\.0\.0\.0:\d+$/);
    while (!err().includes("Ctrl-C")) await once(child.stderr!, "data");
    assert.match(err(), /^Warning: --host 0\.0\.0\.0 lets every machine .* without a password\./);
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [143, null]);
    const cases: readonly [readonly string[], string | RegExp][] = [
      [["--port", "70000"], '--port: found "70000", expected a whole number from 0 to 65535.'],
      [["--port", "web"], '--port: found "web", expected a whole number from 0 to 65535.'],
      [["--host", "192.0.2.1"], /^error: --host 192\.0\.2\.1: no address of this machine \(EADDRNOTAVAIL\)/],
      [["--max-upload", "20"], '--max-upload: found "20", expected an amount above 0 such as 20MB.'],
      [["--keep-models", "0"], '--keep-models: found "0", expected a whole number from 1.'],
      [["--precision", "int5"], /^error: --precision: found "int5"/],
      [["--model", "fkae"], /^error: --model fkae: no such checkpoint\. Did you mean fake\?/],
      [["--runs", "nowhere"], /^error: --runs: found no run in .*nowhere or below it/],
      [["more"], 'try: found "more", expected flags only from there on.'],
    ];
    for (const [words, message] of cases) {
      const ended = runProcess(temporaryFolder(), { command: fakeTryCommand, words: ["try", "--port", "0", ...words] });
      assertFails(ended, 2, message);
    }
  });
});
