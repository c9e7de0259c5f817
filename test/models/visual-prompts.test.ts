/** What the language model is shown of each request: shared where it is the same, made anew where it is not. */
import assert from "node:assert/strict";
import type { ImageEncoder } from "../../models/image-encoder.ts";
import type { GenerationRequest } from "../../models/model.ts";
import { float32Tensor } from "../../models/runtime.ts";
import { VisualPrompts } from "../../models/visual-prompts.ts";

/** Shows an image as one query of two numbers: the number in the image's name, and the length of the prompt where it is read. */
function fakeEncoder({ readsPrompt }: { readonly readsPrompt: boolean }): {
  readonly encoder: ImageEncoder;
  /** Images of each call. */
  readonly calls: number[];
} {
  const calls: number[] = [];
  return {
    calls,
    encoder: {
      readsPrompt,
      load: ({ path }) =>
        Promise.resolve(
          path === "no"
            ? { status: "failed", error: "no: no such file" }
            : { status: "loaded", hash: null, kind: "pixels", values: Float32Array.of(Number(path)), latencyMs: {} },
        ),
      encode: (shown) => {
        calls.push(shown.length);
        const values = shown.flatMap(({ image, prompt }) => [
          image.values[0]!,
          readsPrompt ? (prompt ?? "").length : 0,
        ]);
        const latencyMs = shown.map(() => ({ qFormer: 1 }));
        return Promise.resolve({
          softPrompts: float32Tensor(Float32Array.from(values), [shown.length, 1, 2]),
          latencyMs,
        });
      },
      release: () => Promise.resolve(),
    },
  };
}

const request = (id: string, prompt: string | null, conversation?: object): GenerationRequest => ({
  image: { id, path: id },
  prompt,
  ...(conversation !== undefined && { conversation }),
});

const encoding = { size: 2, shareImages: true, onTime: () => undefined };

async function shown(prompts: VisualPrompts, requests: readonly GenerationRequest[], shareImages = true) {
  const found = await prompts.of(requests, { ...encoding, shareImages });
  return found.map((one) => (one.status === "encoded" ? [...one.softPrompt] : one.error));
}

describe("what the language model is shown", () => {
  it("is of the image alone, encoded once for all who ask about it, in batches", async () => {
    const { encoder, calls } = fakeEncoder({ readsPrompt: false });
    const prompts = new VisualPrompts(encoder);
    const requests = [request("1", "a"), request("1", "bbb"), request("2", "a"), request("no", null), request("3", "")];
    assert.deepEqual(await shown(prompts, requests), [[1, 0], [1, 0], [2, 0], "no: no such file", [3, 0]]);
    assert.deepEqual(calls, [2, 1]);
    const times: number[] = [];
    const keys = await prompts.of(requests, { ...encoding, onTime: (index) => times.push(index) });
    assert.deepEqual(calls, [2, 1], "the last window's are kept");
    assert.deepEqual(times, []);
    assert.deepEqual(new Set(keys.map((one) => (one.status === "encoded" ? one.key : null))).size, 4);
  });

  it("is made for each prompt where the Q-Former reads it, once for equal ones", async () => {
    const { encoder, calls } = fakeEncoder({ readsPrompt: true });
    const prompts = new VisualPrompts(encoder);
    const requests = [request("1", "a"), request("1", "bbb"), request("1", "a"), request("1", null)];
    assert.deepEqual(await shown(prompts, requests), [
      [1, 1],
      [1, 3],
      [1, 1],
      [1, 0],
    ]);
    assert.deepEqual(calls, [2, 1]);
  });

  it("is encoded for every request where nothing is shared", async () => {
    const { encoder, calls } = fakeEncoder({ readsPrompt: false });
    const prompts = new VisualPrompts(encoder);
    await shown(prompts, [request("1", "a"), request("1", "b")], false);
    await shown(prompts, [request("1", "a")], false);
    assert.deepEqual(calls, [2, 1]);
  });

  it("stays what a conversation is about, until it goes on with another image", async () => {
    const { encoder, calls } = fakeEncoder({ readsPrompt: false });
    const prompts = new VisualPrompts(encoder);
    const talk = {};
    await shown(prompts, [request("1", "a", talk)]);
    await shown(prompts, [request("2", "b")]);
    assert.deepEqual(await shown(prompts, [request("1", "c", talk)]), [[1, 0]]);
    assert.deepEqual(calls, [1, 1]);
    assert.deepEqual(await shown(prompts, [request("3", "d", talk)]), [[3, 0]]);
    assert.deepEqual(calls, [1, 1, 1]);
  });

  it("is of files that were read ahead", async () => {
    const { encoder } = fakeEncoder({ readsPrompt: false });
    let loads = 0;
    const counting = { ...encoder, load: (image: { path: string }) => ((loads += 1), encoder.load(image)) };
    const prompts = new VisualPrompts(counting);
    await Promise.all([prompts.readAhead({ id: "1", path: "1" }), prompts.readAhead({ id: "1", path: "1" })]);
    assert.deepEqual(await shown(prompts, [request("1", "a")]), [[1, 0]]);
    assert.equal(loads, 1);
  });
});
