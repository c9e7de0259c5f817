/** Whole models of shapes that no published checkpoint has, against the reference's tokens and scores. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { decodingOptions, withoutFilling } from "../../support/goldens.ts";
import type { GoldenSettings } from "../../support/goldens.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

interface GoldenAnswer {
  readonly image: string;
  readonly prompt: string | null;
  readonly settings: GoldenSettings;
  readonly tokens: readonly number[];
  readonly score: number | null;
}

/** The newline, which ends a text. */
const END = 202;
const fixtures = path.join(projectRoot, "test", "fixtures", "odd-opt");
const images = path.join(projectRoot, "datasets", "bundled", "val2014");

describe("checkpoints of odd shapes", () => {
  for (const name of readdirSync(fixtures).filter((entry) => statSync(path.join(fixtures, entry)).isDirectory())) {
    it(`${name} — generates what the reference does`, async () => {
      const model = await loadBlip2(path.join(fixtures, name), { threads: 1, cacheFolder, hubCache: "" });
      const goldens = JSON.parse(readFileSync(path.join(fixtures, name, "golden.json"), "utf8")) as GoldenAnswer[];
      assert.equal(goldens.length, 36);
      for (const { image, prompt, settings, tokens, score } of goldens) {
        const request = { image: { id: image, path: path.join(images, image) }, prompt };
        const options = decodingOptions(settings, () => 0);
        const [answer] = await model.generate([request], options);
        assert.ok(answer?.status === "predicted");
        assert.deepEqual(answer.tokens, withoutFilling(tokens, [END]));
        if (score === null) continue;
        // Random weights make large logits: their rounding is larger, too, and length penalty -1 multiplies it by ten.
        const difference = Math.abs(answer.score! - score) * answer.tokens.length ** options.lengthPenalty;
        assert.ok(
          difference <= 1e-4 * Math.max(1, answer.tokens.length / 4),
          `score ${answer.score}, expected ${score}`,
        );
      }
      await model.release();
    });
  }
});
