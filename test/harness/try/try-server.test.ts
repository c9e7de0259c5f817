/** The server of `try`: what it takes and what it answers. With fake checkpoints in processes of their own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import sharp from "sharp";
import type { Asked, KeptImage, PageState, Work } from "../../../harness/try/wire.ts";
import {
  allEvents,
  asking,
  bundledImage,
  endsOf,
  post,
  requestOf,
  startTry,
  upload,
} from "../../support/try-server.ts";
import type { Tried } from "../../support/try-server.ts";

/** A picture of one pixel that says it is larger: nothing is decoded before that is read. */
async function hugePng(width: number, height: number): Promise<Buffer> {
  const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const header = 16; // of its width and height; the checksum over chunk type and header is behind them (PNG, 11.2.2)
  bytes.writeUInt32BE(width, header);
  bytes.writeUInt32BE(height, header + 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(header - 4, header + 13)), header + 13);
  return bytes;
}

describe("the server of try", () => {
  let tried: Tried;
  before(async () => {
    tried = await startTry();
  });
  after(() => tried.stop());

  it("says what can be asked", async () => {
    const state = (await (await fetch(`${tried.url}/state`)).json()) as PageState;
    assert.deepEqual(
      state.checkpoints.map(({ name, does }) => [name, ...does]),
      [
        ["fake", "caption", "ask", "chat"],
        ["fake-two", "caption", "ask", "chat"],
        ["fake-broken", "caption", "ask", "chat"],
        ["fake-itm", "match"],
        ["fake-itg", "caption", "match"],
      ],
    );
    assert.deepEqual(state.precisions, ["fp32", "int8"]);
    assert.equal(state.limits.uploadBytes, 1_000_000);
    const sample = await fetch(`${tried.url}/samples/0`);
    assert.equal(sample.headers.get("content-type"), "image/jpeg");
    assert.equal((await fetch(`${tried.url}/samples/${state.samples}`)).status, 404);
  });

  it("takes bytes and JSON alone", async () => {
    for (const type of [
      "text/plain",
      "multipart/form-data",
      "application/x-www-form-urlencoded",
      "application/jsonx",
    ]) {
      for (const path of ["/images", "/answers"]) {
        const response = await post(tried.url + path, type, "{}");
        assert.equal(response.status, 415);
        assert.match(await response.text(), /Content-Type: found/);
      }
    }
  });

  const imageCases: readonly [what: string, bytes: () => Uint8Array | Promise<Uint8Array>, status: number, RegExp][] = [
    ["nothing", () => Buffer.alloc(0), 422, /^The file: the file is empty, expected an image/],
    [
      "a web page",
      () => Buffer.from("<html>no</html>"),
      422,
      /^The file: found a web page, .*expected JPEG, PNG, WebP or GIF/,
    ],
    ["a drawing with script", () => Buffer.from("<svg onload=alert(1)>"), 422, /^The file: found an SVG drawing/],
    ["half a header", () => Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), 422, /the header of the PNG file is broken/],
    [
      "200 megapixels",
      () => hugePng(20_000, 10_000),
      422,
      /20000 × 10000 pixels, 200000000 in all, expected at most 178956970\. .*--max-pixels/,
    ],
    [
      "more than the limit",
      () => Buffer.alloc(1_000_001),
      413,
      /^More than 1 MB, the limit of an upload\. .*--max-upload/,
    ],
  ];
  for (const [what, bytes, status, message] of imageCases) {
    it(`refuses ${what} for an image, and says why`, async () => {
      const response = await post(`${tried.url}/images`, "application/octet-stream", await bytes());
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match((JSON.parse(text) as { message: string }).message, message);
    });
  }

  it("says of an animation that its first frame counts, and gives images back as they came", async () => {
    const frames = await Promise.all(
      ["red", "blue"].map((background) =>
        sharp({ create: { width: 8, height: 8, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const moving = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const image = await upload(tried.url, moving);
    assert.equal(image.note, "An animation of 2 frames; the first is looked at.");
    const back = await fetch(`${tried.url}/images/${image.id}`);
    assert.equal(back.headers.get("content-type"), "image/gif");
    assert.deepEqual(Buffer.from(await back.arrayBuffer()), moving);
    assert.equal((await fetch(`${tried.url}/images/${"0".repeat(64)}`)).status, 410);
  });

  it("answers several checkpoints, each word by word", async () => {
    const { id } = await upload(tried.url);
    const request = JSON.parse(requestOf(id, [asking("what is it"), asking("what is it")])) as {
      asked: { checkpoint: string }[];
    };
    request.asked[1]!.checkpoint = "fake-two";
    const events = await allEvents(tried.url, JSON.stringify(request));
    assert.deepEqual(endsOf(events), ["you asked: what is it", "you asked: what is it"]);
    for (const lane of [0, 1]) {
      const texts = events.flatMap((event) => (event.kind === "text" && event.lane === lane ? event.text : []));
      assert.deepEqual(texts, ["you", "you asked:", "you asked: what", "you asked: what is", "you asked: what is it"]);
    }
    const size = readFileSync(bundledImage).length;
    const captions = await allEvents(tried.url, requestOf(id, [{ kind: "caption", prompt: "a drawing" }]));
    assert.deepEqual(endsOf(captions), [`a drawing of ${size} bytes by fake fp32`]);
    const texts = { kind: "match", texts: ["a", "b"] } as const;
    const matches = await allEvents(tried.url, requestOf(id, [texts], { checkpoint: "fake-itm" }));
    assert.deepEqual(endsOf(matches), ["a, b"]);
    const both = await allEvents(
      tried.url,
      requestOf(id, [texts, { kind: "caption", prompt: "" }], { checkpoint: "fake-itg" }),
    );
    assert.deepEqual(endsOf(both), ["a, b", `an image of ${size} bytes by fake-itg fp32`]);
  });

  it("stays responsive while a model blocks its own process", async () => {
    const { id } = await upload(tried.url);
    let isAnswered = false;
    const answer = allEvents(tried.url, requestOf(id, [asking("block")])).then((events) => {
      isAnswered = true;
      return events;
    });
    for (let each = 0; each < 20; each += 1) assert.equal((await fetch(`${tried.url}/state`)).status, 200);
    assert.equal((await upload(tried.url, await hugePng(30, 20))).width, 30);
    assert.ok(!isAnswered, "all that while the answer is on its way");
    assert.deepEqual(endsOf(await answer), ["you asked: block"]);
  });

  it("goes on with a conversation, and begins it again with what the page says was said", async () => {
    const { id } = await upload(tried.url);
    const say = async (conversation: string, before: readonly string[], question: string): Promise<string> => {
      const turns = before.map((each, index) => ({ question: each, answer: `turn ${index + 1}: ${each}` }));
      const work = { kind: "chat", conversation, turns, question } as const;
      return endsOf(await allEvents(tried.url, requestOf(id, [work])))[0] ?? "";
    };
    assert.equal(await say("one", [], "a"), "turn 1: a");
    assert.equal(await say("one", ["a"], "b"), "turn 2: b");
    assert.equal(await say("other", [], "c"), "turn 1: c");
    assert.equal(await say("one", ["a"], "b again"), "turn 2: b again", "the last turn was undone");
    assert.equal(await say("kept nowhere", ["x", "y"], "z"), "turn 3: z");
  });

  it("says in its lane why a checkpoint cannot answer, and answers the others", async () => {
    const { id } = await upload(tried.url);
    const request = JSON.parse(requestOf(id, [asking("a"), asking("die"), asking("b")])) as {
      asked: { checkpoint: string }[];
    };
    request.asked[0]!.checkpoint = "fake-broken";
    const ends = endsOf(await allEvents(tried.url, JSON.stringify(request)));
    assert.equal(ends[0], "failed: fake-broken: no config.json in it.");
    assert.match(
      ends[1] ?? "",
      /^failed: fake fp32: its process \(pid \d+\) ended with exit code 7 while asked for an answer/,
    );
    assert.equal(ends[2], "you asked: b", "the one that died is started again");
  });

  const refusals: readonly [what: string, change: (request: Record<string, unknown>) => void, number, RegExp][] = [
    ["no request", (request) => delete request["asked"], 400, /^asked: /],
    ["other fields", (request) => (request["more"] = 1), 400, /more/],
    ["a path for an image", (request) => (request["image"] = "../a.jpg"), 400, /^image: expected the id of an image/],
    ["an image it does not have", (request) => (request["image"] = "0".repeat(64)), 410, /no longer kept/],
  ];
  for (const [what, change, status, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const { id } = await upload(tried.url);
      const request = JSON.parse(requestOf(id, [asking("a")])) as Record<string, unknown>;
      change(request);
      const response = await post(`${tried.url}/answers`, "application/json", JSON.stringify(request));
      const text = await response.text();
      assert.equal(response.status, status, text);
      assert.match((JSON.parse(text) as { message: string }).message, message);
    });
  }

  it("refuses checkpoints and precisions that it does not offer, and work that a checkpoint does not do", async () => {
    const image: KeptImage = await upload(tried.url);
    const question = asking("a");
    const turn: Work = { kind: "chat", conversation: "one", turns: [], question: "a" };
    const describes =
      /^fake-itg: its Q-Former was trained to describe images, not to answer questions\. Ask it for a caption\.$/;
    const cases: readonly [work: Work, of: Partial<Asked>, message: RegExp][] = [
      [question, { checkpoint: "../../etc" }, /^No checkpoint "\.\.\/\.\.\/etc" is offered here/],
      [question, { precision: "fp8" }, /^No precision "fp8", expected fp32, int8/],
      [question, { checkpoint: "fake-itm" }, /^fake-itm matches images and texts, and generates none\.$/],
      [question, { checkpoint: "fake-itg" }, describes],
      [turn, { checkpoint: "fake-itg" }, describes],
      [{ kind: "match", texts: ["a"] }, { checkpoint: "fake" }, /^fake generates text, and matches none\.$/],
    ];
    for (const [work, of, message] of cases) {
      const response = await post(`${tried.url}/answers`, "application/json", requestOf(image.id, [work], of));
      assert.equal(response.status, 422);
      assert.match(((await response.json()) as { message: string }).message, message);
    }
    const empty = requestOf(image.id, [asking(" ")]);
    assert.match(await (await post(`${tried.url}/answers`, "application/json", empty)).text(), /expected words/);
    assert.equal((await post(`${tried.url}/answers`, "application/json", "{")).status, 400);
  });
});
