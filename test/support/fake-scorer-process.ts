/**
 * The process of a scorer whose numbers tell what was embedded together: an image's vector is its number and that of its
 * batch's first image, its logits are made of them, and an image that this process did not embed has other ones. FAKE_CRASH as
 * in fake-model-process.ts, over matches of the image; `FAKE_EMBED` names the image it always dies over when embedding.
 */
import { existsSync, writeFileSync } from "node:fs";
import { serveModel } from "../../harness/processes/serve-model.ts";

const { FAKE_CRASH: crash = "", FAKE_EMBED: unembeddable } = process.env;
const [doomed, marker] = crash.split(" ");
const kept = new Map<string, number>();

function die(): void {
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
}

serveModel(({ where }) =>
  Promise.resolve({
    kind: "retrieval",
    name: where,
    weightsBytes: 7,
    embedImages: (images) => {
      if (images.some(({ id }) => id === unembeddable)) die();
      const first = Number(images[0]!.id);
      for (const { id } of images) kept.set(id, first);
      const latencyMs = { vision: 1 };
      return Promise.resolve(
        images.map(({ id }) => ({ status: "embedded", vectors: Float32Array.of(Number(id), first), latencyMs })),
      );
    },
    readTexts: (texts, { maxTokens }) => Promise.resolve(texts.map((text) => [text.length, maxTokens])),
    embedTexts: (texts) => Promise.resolve(Float32Array.from(texts.flat())),
    compare: (images, texts) =>
      Promise.resolve(Float32Array.from(images.flatMap(([id]) => Array.from(texts, (text) => id! * text)))),
    match: ({ id }, texts) => {
      const isDoomed = id === doomed && (marker === undefined || !existsSync(marker));
      if (isDoomed && marker !== undefined) writeFileSync(marker, "");
      if (isDoomed) die();
      const logits = Float32Array.from(texts, ([length]) => 100 * (kept.get(id) ?? -1) + length!);
      return Promise.resolve({ status: "matched", logits, probabilities: logits, latencyMs: { matching: 1 } });
    },
    weighTexts: ({ id }, texts) => {
      const logLikelihoods = Float32Array.from(texts, ([length]) => -100 * (kept.get(id) ?? -1) - length!);
      const tokens = Int32Array.from(texts, ([length]) => length!);
      return Promise.resolve({ status: "weighed", logLikelihoods, tokens, latencyMs: { likelihood: 1 } });
    },
    release: () => Promise.resolve(),
  }),
);
