/** Checkpoints with random weights, as benchmarks write them: of a few numbers here, for the loader to look at. */
import assert from "node:assert/strict";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { writeRandomCheckpoint } from "../../../models/checkpoint/random-checkpoint.ts";
import type { RandomShape } from "../../../models/checkpoint/random-shapes.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { projectRoot } from "../../support/project.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

const layers = { hidden: 8, mlp: 8, layers: 2, heads: 2 };
const sizes = { imageSize: 28, patch: 14, vision: layers, queries: 3, qFormer: layers };
const opt = { ...sizes, text: { ...layers, kind: "opt", vocabulary: 512, positions: 16 } } satisfies RandomShape;
const t5 = {
  ...sizes,
  text: { kind: "t5", width: 8, keyWidth: 4, mlp: 8, layers: 2, heads: 2, buckets: 8, vocabulary: 512 },
} satisfies RandomShape;
const retrieval = {
  ...sizes,
  text: { kind: "retrieval", width: 4, vocabulary: 256, positions: 16 },
} satisfies RandomShape;

describe("checkpoints with random weights", () => {
  it("have every tensor that the loader asks for, and no other", async () => {
    const opened = await loadBlip2(await written(opt, "shapes-opt-base"), options());
    assert.equal(opened.family, "opt");
    await opened.release();
    for (const shape of [t5, { ...t5, vision: { ...layers, isClip: true as const } }]) {
      const encoderDecoder = await loadBlip2(await written(shape, "shapes-t5-base"), options());
      assert.equal(encoderDecoder.family, "t5");
      await encoderDecoder.release();
    }
    const checkpoint = await openCheckpoint(await written(retrieval, "shapes-itm"), options());
    const scorer = await loadRetrievalCheckpoint(checkpoint, options());
    const vectors = await scorer.embedTexts(await scorer.readTexts(["a star"], { maxTokens: 16 }));
    assert.equal(vectors.length, 4);
    await scorer.release();
  });

  it("fall into several files where they are larger than one may be", async () => {
    const whole = await openCheckpoint(await written(opt, "shapes-opt-base"), options());
    const parts = await openCheckpoint(await written(opt, "shapes-opt-base", 4000), options());
    const files = (checkpoint: typeof whole): number =>
      new Set([...checkpoint.tensors.values()].map(({ file }) => file)).size;
    assert.equal(files(whole), 1);
    assert.ok(files(parts) > 2);
    assert.deepEqual([...parts.tensors.keys()].sort(), [...whole.tensors.keys()].sort());
  });

  it("need a tokenizer whose checkpoint names the image token", async () => {
    const small = { "tokenizer.json": "{}", "tokenizer_config.json": "{}", "special_tokens_map.json": "{}" };
    const donor = temporaryFolder({ ...small, "config.json": '{"text_config": {"eos_token_id": 2}}' });
    await assertRefused(
      () => writeRandomCheckpoint(temporaryFolder(), opt, { seed: 1, tokenizerFrom: donor, shardBytes: 1e9 }),
      "FOLDER/config.json: image_token_index is missing, expected number.",
      donor,
    );
  });
});

async function written(shape: RandomShape, tokenizer: string, shardBytes = 1e9): Promise<string> {
  const folder = temporaryFolder();
  const tokenizerFrom = path.join(projectRoot, "models", "bundled", tokenizer);
  await writeRandomCheckpoint(folder, shape, { seed: 1, tokenizerFrom, shardBytes });
  return folder;
}

function options(): Parameters<typeof loadBlip2>[1] {
  return { threads: 1, cacheFolder: temporaryFolder(), hubCache: "" };
}
