/**
 * A program: the bundled checkpoint it is given answers the same questions on WebGPU and on the CPU, then twenty batches more.
 * Prints how many answers are equal, what stayed on the device, and how much of that was not given back after each batch.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { loadBlip2 } from "../../models/load-blip2.ts";
import type { DecodingOptions, GenerationRequest } from "../../models/model.ts";
import { Tensor } from "../../models/onnxruntime.ts";
import type { GraphRun } from "../../models/runtime.ts";
import { askedOf } from "../../tasks/task.ts";
import { vqav2 } from "../../tasks/vqav2.ts";
import { bundledData } from "./fakes.ts";
import { cacheFolder, projectRoot } from "./project.ts";

const [, , name = ""] = process.argv;
const kept = new Set<string>();
let [made, freed] = [0, 0];

const prototype = Reflect.getPrototypeOf(new Tensor("float32", [0], [1]))!;
const dispose: unknown = Reflect.get(prototype, "dispose");
assert.ok(typeof dispose === "function");
Reflect.defineProperty(prototype, "dispose", {
  value(this: Tensor) {
    if (this.location === "gpu-buffer") freed += 1;
    Reflect.apply(dispose, this, []);
  },
});

const onRun = ({ graph, keptOnDevice }: GraphRun): void => {
  made += keptOnDevice.length;
  for (const output of keptOnDevice) kept.add(`${graph}: ${output.replace(/\d+$/, "N")}`);
};
const where = path.join(projectRoot, "models", "bundled", name);
const options = { threads: 1, cacheFolder, hubCache: path.join(cacheFolder, "no-hub") };
const onCpu = await loadBlip2(where, options);
const onDevice = await loadBlip2(where, { ...options, onRun, device: { provider: "webgpu", id: 0 } });

const { samples } = await vqav2.dataset.open({ folder: bundledData }, vqav2.dataset.splits[0]!);
const { prompt } = askedOf(vqav2.protocols.paper, onCpu.family)!;
// By image: the driver in software takes half a second to encode one.
const byImage = samples.toSorted((a, b) => (a.image.id < b.image.id ? -1 : a.image.id > b.image.id ? 1 : 0));
const requests = byImage
  .slice(0, 20)
  .map((sample): GenerationRequest => ({ image: sample.image, prompt: prompt(sample) }));
const decoding: DecodingOptions = {
  beams: 5,
  newTokens: { min: 1, max: 10 },
  lengthPenalty: -1,
  repetitionPenalty: 1,
  earlyStopping: false,
};
const batching = { size: 8, refill: true, sharePrompt: true };
const expected = await onCpu.generate(requests, decoding, batching);
const found = await onDevice.generate(requests, decoding, batching);
const equal = found.filter((answer, index) => {
  const other = expected[index];
  return answer.status === "predicted" && other?.status === "predicted" && answer.tokens.join() === other.tokens.join();
});

const live: number[] = [];
const residentBytes: number[] = [];
for (let batch = 0; batch < 20; batch += 1) {
  const first = 2 * Math.floor(batch / 5); // another image now and then
  await onDevice.generate(
    requests.slice(first, first + 2),
    { ...decoding, beams: 2, newTokens: { min: 1, max: 2 } },
    batching,
  );
  live.push(made - freed);
  residentBytes.push(process.memoryUsage.rss());
}
await onDevice.release();
const result = {
  questions: requests.length,
  equal: equal.length,
  kept: [...kept].sort(),
  live,
  residentBytes,
  made,
  freed,
};
process.stdout.write(JSON.stringify(result));
