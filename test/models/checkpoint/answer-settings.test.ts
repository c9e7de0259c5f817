/** Where a checkpoint's files differ or leave something out: answers as the reference's (fixtures/settings). */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { readPixelSettings } from "../../../models/image/read-pixel-settings.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { GenerationWay } from "../../../models/generation/generation-way.ts";
import { changedCheckpoint, changesSchema, settingsFixture } from "../../support/changed-checkpoint.ts";
import { decodingOptions, withoutFilling } from "../../support/goldens.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { assertRefused } from "../../support/temporary-files.ts";

const image = "COCO_val2014_000000000108.jpg";
const fixture = z
  .array(
    changesSchema.extend({
      prompt: z.string().nullable(),
      settings: z.object({ num_beams: z.number(), max_new_tokens: z.number() }),
      tokens: z.array(z.number()),
      score: z.number().nullable(),
    }),
  )
  .parse(settingsFixture("answers.json"));
const cases = new Map<string, typeof fixture>();
for (const each of fixture) {
  const key = `${each.base} — ${each.what}`;
  cases.set(key, [...(cases.get(key) ?? []), each]);
}

async function assertAnswers(folder: string, goldens: typeof fixture, generation: GenerationWay): Promise<void> {
  const { config } = await openCheckpoint(folder, { cacheFolder, hubCache: "" });
  assert.ok(config.kind === "generation");
  const model = await loadBlip2(folder, { threads: 1, cacheFolder, hubCache: "", generation });
  for (const { prompt, settings, tokens, score } of goldens) {
    const file = path.join(projectRoot, "datasets", "bundled", "val2014", image);
    const [answer] = await model.generate(
      [{ image: { id: image, path: file }, prompt }],
      decodingOptions(settings, () => 0),
    );
    assert.ok(answer?.status === "predicted");
    assert.deepEqual(answer.tokens, withoutFilling(tokens, config.text.eos));
    // The sums of log-probabilities agree to 1e-4: both sides add the same fp32 products up in another order.
    if (score !== null)
      assert.ok(Math.abs(answer.score! - score) * answer.tokens.length <= 1e-4, `${answer.score}, expected ${score}`);
  }
  await model.release();
}

describe("a checkpoint's files that differ", () => {
  for (const [what, goldens] of cases) {
    for (const generation of ["stepwise", "graph"] as const) {
      it(`${what} — the answers are the reference's, ${generation}`, async () => {
        await assertAnswers(changedCheckpoint(goldens[0]!), goldens, generation);
      });
    }
  }

  it("begins no text without bos_token_id, where the reference fails, as the tokenizer begins an empty one", async () => {
    const files = { "config.json": { without: [], text_config: { bos_token_id: null } } };
    const plain = fixture.filter(({ base, what }) => base === "shapes-opt-small" && what === "the files as they are");
    await assertAnswers(changedCheckpoint({ base: "shapes-opt-small", what: "", files }), plain, "stepwise");
  });

  it("is told of, each file that is not followed", async () => {
    const files = {
      "config.json": { without: [], image_token_id: 480, image_token_index: 5, eos_token_id: [202] },
      "generation_config.json": { without: [], eos_token_id: [277, 2], bos_token_id: 2 },
      "preprocessor_config.json": { without: [], image_mean: [0.5, 0.5, 0.5] },
      "processor_config.json": { without: [], num_query_tokens: 9 },
    };
    const folder = changedCheckpoint({ base: "shapes-opt-small", what: "", files });
    const notes: string[] = [];
    const checkpoint = await openCheckpoint(folder, { cacheFolder, hubCache: "" });
    await readPixelSettings(checkpoint, (note) => void notes.push(note));
    assert.deepEqual(
      [...checkpoint.notes, ...notes].map((note) => note.replace(folder, "FOLDER")),
      [
        "FOLDER/generation_config.json: eos_token_id [277,2] is ignored: text_config.eos_token_id in config.json is 202.",
        "FOLDER/config.json: image_token_index 5 is ignored: image_token_id in config.json is 480.",
        "FOLDER/processor_config.json: num_query_tokens 9 is ignored: num_query_tokens in config.json is 8.",
        "FOLDER/preprocessor_config.json: ignored, for the image_processor in processor_config.json says otherwise, and comes first.",
      ],
    );
  });

  it("is not told of where the files agree", async () => {
    const folder = changedCheckpoint({ base: "shapes-t5-small", what: "", files: {} });
    const notes: string[] = [];
    const model = await loadBlip2(folder, {
      threads: 1,
      cacheFolder,
      hubCache: "",
      onPreparation: (event) => {
        if (event.kind === "note") notes.push(event.message);
      },
    });
    await model.release();
    assert.deepEqual(notes, []);
  });

  it("is told of where the file not followed cannot be read as settings at all", async () => {
    const files = { "preprocessor_config.json": { without: [], do_center_crop: true } };
    const folder = changedCheckpoint({ base: "shapes-opt-small", what: "", files });
    const notes: string[] = [];
    await readPixelSettings(
      await openCheckpoint(folder, { cacheFolder, hubCache: "" }),
      (note) => void notes.push(note),
    );
    assert.equal(notes.length, 1);
  });
});

describe("an image processor", () => {
  const missing =
    "FOLDER/processor_config.json with an image_processor, or FOLDER/preprocessor_config.json: no such file. " +
    "Is FOLDER a checkpoint, and complete?";

  for (const [what, processor] of [
    ["in no file", null],
    ["flat in processor_config.json, where the reference finds none", { without: ["image_processor"], size: 64 }],
  ] as const) {
    it(`is missed ${what}`, async () => {
      const given = processor === null ? null : { ...processor, without: [...processor.without] };
      const files = { "preprocessor_config.json": null, "processor_config.json": given };
      const folder = changedCheckpoint({ base: "shapes-opt-small", what: "", files });
      const checkpoint = await openCheckpoint(folder, { cacheFolder, hubCache: "" });
      await assertRefused(() => readPixelSettings(checkpoint), missing, folder);
    });
  }

  it("is told from that of another checkpoint, by the name of the file that is followed", async () => {
    const folder = changedCheckpoint({ base: "shapes-opt-small", what: "", files: {} });
    const file = path.join(folder, "processor_config.json");
    const content = JSON.parse(readFileSync(file, "utf8")) as { image_processor: object };
    const checkpoint = await openCheckpoint(folder, { cacheFolder, hubCache: "" });
    const other = {
      ...checkpoint,
      folder: changedCheckpoint({ base: "shapes-opt-small", what: "", files: { "processor_config.json": null } }),
    };
    const changed = { ...content, image_processor: { ...content.image_processor, size: 32 } };
    writeFileSync(path.join(other.folder, "processor_config.json"), JSON.stringify(changed));
    await assertRefused(
      () => readPixelSettings({ ...other, name: "tiny" }),
      "tiny: the image processor makes 32x32 pixels, the image encoder takes 64x64. Is FOLDER/processor_config.json that of another checkpoint?",
      other.folder,
    );
  });
});
