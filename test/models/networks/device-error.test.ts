/** A device whose memory runs out, or that is lost: told by what ONNX Runtime throws, and what a run makes of it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { deviceError, DeviceLostError, OutOfDeviceMemoryError } from "../../../models/device/device-error.ts";
import type { GenerationRequest, ImageTextScorer, VisionLanguageModel } from "../../../models/model.ts";
import { inSmallerBatches, rankInSmallerBatches } from "../../../models/smaller-batches.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { fake, fakeCommand, runProcess } from "../../support/command-process.ts";
import { fakeModel } from "../../support/fakes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const where = "graph decoder on cuda 0";
/** As ONNX Runtime's providers word them. */
const outOfMemory = [
  "Non-zero status code returned while running MatMul node. Name:'MatMul_92' Status Message: /onnxruntime_src/onnxruntime/core/framework/bfc_arena.cc:376 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*) Failed to allocate memory for requested buffer of size 8388608000",
  "CUDA failure 2: out of memory ; GPU=0 ; hostname=a ; file=cuda_stream_handle.cc ; line=175 ; expr=cudaStreamCreateWithFlags(&stream, 1);",
  "WebGPU device error(2): Out of memory",
  "Failed to create GPU buffer: size=1073741824",
  "Exception(1) tid(4790) 8007000E Not enough memory resources are available to complete this operation.",
];
const lost = [
  "WebGPU device lost (1): A valid external Instance reference no longer exists.",
  "buffer_manager.cc:543 status == wgpu::MapAsyncStatus::Success was false. Failed to download data from buffer: device is lost.",
  "CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=a ; expr=cudaStreamSynchronize(stream);",
  "Exception(2) tid(1) 887A0005 The GPU device instance has been suspended.",
];

describe("an error of a device", () => {
  it("is told by what ONNX Runtime says", () => {
    for (const words of outOfMemory) {
      const error = deviceError(new Error(words), where);
      assert.ok(error instanceof OutOfDeviceMemoryError, words);
      assert.ok(error.message.startsWith(`${where}: out of device memory: ${words.slice(0, 20)}`));
    }
    for (const words of lost) assert.ok(deviceError(new Error(words), where) instanceof DeviceLostError, words);
  });

  it("stays as it is where it is another", () => {
    for (const words of ["Invalid rank for input: pixels", "Got invalid dimensions for input: mask"]) {
      const error = new Error(words);
      assert.equal(deviceError(error, where), error);
    }
  });
});

/** Has memory for so many requests at a time, and for none about images that are `heavy`. */
function small(size: number, asked: number[]): VisionLanguageModel {
  const answering = fakeModel();
  return {
    ...answering,
    generate: async (requests, options, batching) => {
      const together = Math.min(requests.length, batching?.size ?? requests.length);
      asked.push(together);
      for (let from = 0; from < requests.length; from += together) {
        const batch = requests.slice(from, from + together);
        if (together > size || batch.some(({ image }) => image.id === "heavy")) {
          throw deviceError(new Error(outOfMemory[0]), where);
        }
        const answers = await answering.generate(batch, options);
        for (const [place, answer] of answers.entries()) batching?.onAnswer?.(from + place, answer);
      }
      return Promise.all(requests.map(async (request) => (await answering.generate([request], options))[0]!));
    },
  };
}

function requestsAbout(...images: readonly string[]): readonly GenerationRequest[] {
  return images.map((id) => ({ image: { id, path: id }, prompt: `what is ${id}?` }));
}

const options = {
  beams: 1,
  newTokens: { min: 1, max: 3 },
  lengthPenalty: 0,
  repetitionPenalty: 1,
  earlyStopping: false,
} as const;
const batching = { size: 8, refill: true, sharePrompt: true };

describe("a model whose device's memory runs out", () => {
  it("halves its batches until they fit, once and for all, and says so", async () => {
    const [asked, notes]: [number[], string[]] = [[], []];
    const model = inSmallerBatches(small(2, asked), { onNote: (message) => void notes.push(message) });
    const requests = requestsAbout("a", "b", "c", "d", "e", "f", "g", "h");
    const answers = await model.generate(requests, options, batching);
    assert.ok(answers.every(({ status }) => status === "predicted"));
    assert.deepEqual(asked, [8, 4, 2]);
    await model.generate(requests, options, batching);
    assert.deepEqual(asked, [8, 4, 2, 2]);
    assert.equal(notes.length, 2);
    assert.match(
      notes[0]!,
      /^graph decoder on cuda 0: out of device memory: .* Going on with 4 at a time instead of 8\.$/,
    );
  });

  it("fails what does not fit alone, and answers the others once each", async () => {
    const asked: number[] = [];
    const model = inSmallerBatches(small(4, asked), { onNote: () => undefined });
    const told: number[] = [];
    const onAnswer = (request: number): void => void told.push(request);
    const requests = requestsAbout("a", "b", "heavy", "c", "d");
    const answers = await model.generate(requests, options, { ...batching, onAnswer });
    assert.deepEqual(
      answers.map(({ status }) => status),
      ["predicted", "predicted", "failed", "predicted", "predicted"],
    );
    assert.match(
      answers[2]?.status === "failed" ? answers[2].error : "",
      /^even alone, graph decoder on cuda 0: out of/,
    );
    assert.deepEqual(told.toSorted(), [0, 1, 2, 3, 4]);
  });

  it("passes other errors on", async () => {
    const broken = { ...fakeModel(), generate: () => Promise.reject(new DeviceLostError("lost")) };
    const model = inSmallerBatches(broken, { onNote: () => undefined });
    await assert.rejects(model.generate(requestsAbout("a", "b"), options), DeviceLostError);
  });

  it("ranks in halves, too, with the same numbers in the same order", async () => {
    const fits = (count: number, most: number): void => {
      if (count > most) throw deviceError(new Error(outOfMemory[1]), where);
    };
    const scorer: ImageTextScorer = {
      kind: "retrieval",
      name: "small",
      embedImages: async (images) => {
        await Promise.resolve();
        fits(images.length, images.some(({ id }) => id === "heavy") ? 0 : 2);
        return images.map(({ id }) => ({ status: "embedded", vectors: Float32Array.of(id.length), latencyMs: {} }));
      },
      readTexts: () => Promise.resolve([]),
      embedTexts: () => Promise.resolve(new Float32Array(0)),
      compare: () => Promise.resolve(new Float32Array(0)),
      match: async (image, texts) => {
        await Promise.resolve();
        fits(texts.length, image.id === "heavy" ? 0 : 1);
        const logits = Float32Array.from(texts, ([token = 0]) => token);
        return { status: "matched", logits, probabilities: logits, latencyMs: { matching: 1 } };
      },
      weighTexts: async (image, texts) => {
        await Promise.resolve();
        fits(texts.length, image.id === "heavy" ? 0 : 1);
        const logLikelihoods = Float32Array.from(texts, ([token = 0]) => -token);
        return { status: "weighed", logLikelihoods, tokens: Int32Array.from([1]), latencyMs: { likelihood: 1 } };
      },
      release: () => Promise.resolve(),
    };
    const ranking = rankInSmallerBatches(scorer);
    const images = ["a", "bb", "heavy", "dddd", "eeeee"].map((id) => ({ id, path: id }));
    const embedded = await ranking.embedImages(images);
    assert.deepEqual(
      embedded.map((image) => (image.status === "embedded" ? [...image.vectors] : image.status)),
      [[1], [2], "failed", [4], [5]],
    );
    const matched = await ranking.match(images[0]!, [[7], [8], [9]]);
    assert.equal(matched.status, "matched");
    assert.deepEqual([...matched.logits], [7, 8, 9]);
    assert.deepEqual(matched.latencyMs, { matching: 3 });
    assert.equal((await ranking.match(images[2]!, [[7], [8]])).status, "failed");
    const weighed = await ranking.weighTexts(images[0]!, [[7], [8], [9]]);
    assert.deepEqual(weighed, {
      status: "weighed",
      logLikelihoods: Float32Array.of(-7, -8, -9),
      tokens: Int32Array.of(1, 1, 1),
      latencyMs: { likelihood: 3 },
    });
    assert.equal((await ranking.weighTexts(images[2]!, [[7], [8]])).status, "failed");
  });
});

describe("a run whose device is lost", () => {
  it("stops with 3 and all that was answered, and goes on from there", () => {
    const folder = temporaryFolder();
    const words = ["run", "--model", "fake", "--limit", "200", "--batch-size", "4", "--no-report"];
    assert.equal(fake(folder, ...words, "--output", "whole").code, 0);
    const stopped = runProcess(folder, {
      command: fakeCommand,
      words: [...words, "--output", "a"],
      env: { FAKE_LOST: "2856" },
    });
    assert.equal(stopped.code, 3, stopped.err);
    assert.match(stopped.err, /\n\d+ of 200 samples are kept in .*a\. Go on with:\n {2}npx blip2-bench run /);
    assert.match(stopped.err, /error: graph decoder on webgpu: the device was lost\n$/);
    assert.equal(fake(folder, ...words, "--output", "a").code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });
});
