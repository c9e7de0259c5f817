/** LoRA adapters, alone and beside a whole model, against the reference (fixtures/adapters). */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { abilitiesOf, openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../../../models/checkpoint/checkpoint.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { assertClose, decodingOptions, withoutFilling } from "../../support/goldens.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const options = { threads: 1, cacheFolder, hubCache: "" };
const fixtures = path.join(projectRoot, "test", "fixtures", "adapters");
const images = path.join(projectRoot, "datasets", "bundled", "val2014");

/** A copy of an adapter of the fixtures, for a base that is elsewhere. */
function adapter(name: string, base: string): string {
  const folder = path.join(temporaryFolder(), name);
  cpSync(path.join(fixtures, name), folder, { recursive: true });
  changeConfig(folder, { base_model_name_or_path: base });
  return folder;
}

function changeConfig(folder: string, changes: object): void {
  const file = path.join(folder, "adapter_config.json");
  const content = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...content, ...changes }));
}

const goldenSchema = z.array(
  z.object({
    image: z.string(),
    prompt: z.string().nullable(),
    settings: z.object({ num_beams: z.number(), max_new_tokens: z.number(), min_new_tokens: z.number() }).loose(),
    tokens: z.array(z.number()),
    score: z.number().nullable(),
  }),
);

async function assertAnswers(name: string, checkpoint: Checkpoint): Promise<void> {
  assert.ok(checkpoint.config.kind === "generation");
  const model = await loadGenerationCheckpoint(checkpoint, options);
  const goldens = goldenSchema.parse(JSON.parse(readFileSync(path.join(fixtures, name, "golden.json"), "utf8")));
  assert.equal(goldens.length, 8);
  for (const { image, prompt, settings, tokens, score } of goldens) {
    const request = { image: { id: image, path: path.join(images, image) }, prompt };
    const decoding = decodingOptions(settings, () => 0);
    const [answer] = await model.generate([request], decoding);
    assert.ok(answer?.status === "predicted");
    assert.deepEqual(answer.tokens, withoutFilling(tokens, checkpoint.config.text.eos));
    if (score === null) continue;
    // The reference adds W·x and B·A·x, here (W + B·A)·x is computed: of one sum of about -15 both round in the sixth place.
    const difference = Math.abs(answer.score! - score) * answer.tokens.length ** decoding.lengthPenalty;
    assert.ok(difference <= 3e-4, `score ${answer.score}, expected ${score}`);
  }
  await model.release();
}

describe("a LoRA adapter", () => {
  for (const [name, base] of [
    ["plain", "shapes-opt-small"],
    ["patterns", "shapes-opt-small"],
    ["t5", "shapes-t5-small"],
  ] as const) {
    it(`alone is merged into the base that it names: ${name}`, async () => {
      const folder = adapter(name, bundledCheckpoint(base));
      const checkpoint = await openCheckpoint(folder, options);
      assert.equal(checkpoint.name, name);
      assert.equal(checkpoint.source, `${folder} on ${bundledCheckpoint(base)}`);
      const note = `${folder}: its LoRA adapter of rank 2 is merged into ${bundledCheckpoint(base)}.`;
      assert.deepEqual(checkpoint.notes, [note]);
      await assertAnswers(name, checkpoint);
    });
  }

  it("ranks as the reference does, where its base is for retrieval", async () => {
    const folder = adapter("retrieval", bundledCheckpoint("shapes-itm"));
    assert.deepEqual(await abilitiesOf(folder, options), { kind: "retrieval", writes: false });
    const scorer = await loadRetrievalCheckpoint(await openCheckpoint(folder, options), options);
    const goldens = z
      .array(z.object({ image: z.string(), text: z.string(), itm: z.number(), itc: z.number() }))
      .parse(JSON.parse(readFileSync(path.join(fixtures, "retrieval", "golden.json"), "utf8")));
    for (const { image, text, itm, itc } of goldens) {
      const file = { id: image, path: path.join(images, image) };
      const texts = await scorer.readTexts([text], { maxTokens: 35 });
      const [embedded] = await scorer.embedImages([file]);
      assert.ok(embedded?.status === "embedded");
      const similarities = await scorer.compare([embedded.vectors], await scorer.embedTexts(texts));
      const matching = await scorer.match(file, texts);
      assert.ok(matching.status === "matched");
      assertClose(similarities, Float32Array.of(itc), "similarity");
      assertClose(matching.logits, Float32Array.of(itm), "matching");
    }
    await scorer.release();
  });

  it("beside a whole model is merged into that one, whatever base it names", async () => {
    const folder = adapter("plain", "gone/elsewhere");
    cpSync(bundledCheckpoint("shapes-opt-small"), folder, { recursive: true });
    const checkpoint = await openCheckpoint(folder, options);
    assert.deepEqual(checkpoint.notes, [`${folder}: its LoRA adapter of rank 2 is merged into ${folder}.`]);
    assert.equal(checkpoint.source, folder);
    await assertAnswers("plain", checkpoint);
  });

  it("finds its base in the Hugging Face cache, of the revision it names", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const hubCache = temporaryFolder({ "models--org--base/refs/v2": commit });
    const snapshot = path.join(hubCache, "models--org--base", "snapshots", commit);
    mkdirSync(path.dirname(snapshot), { recursive: true });
    cpSync(bundledCheckpoint("shapes-opt-small"), snapshot, { recursive: true });
    const folder = adapter("plain", "org/base");
    changeConfig(folder, { revision: "v2" });
    const checkpoint = await openCheckpoint(folder, { ...options, hubCache });
    assert.equal(checkpoint.source, `${folder} on org/base@v2 at ${commit}`);
  });

  it("gives another fingerprint than its base, and than with another alpha or other weights", async () => {
    const base = bundledCheckpoint("shapes-opt-small");
    const folder = adapter("plain", base);
    const fingerprint = async (where: string): Promise<string> => (await openCheckpoint(where, options)).fingerprint();
    const prints = [await fingerprint(base), await fingerprint(folder)];
    changeConfig(folder, { lora_alpha: 9 });
    prints.push(await fingerprint(folder));
    const file = path.join(folder, "adapter_model.safetensors");
    const bytes = readFileSync(file);
    bytes.writeFloatLE(0.5, bytes.byteLength - 4);
    writeFileSync(file, bytes);
    prints.push(await fingerprint(folder));
    assert.equal(new Set(prints).size, 4);
  });
});
