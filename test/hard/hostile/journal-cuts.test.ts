/** A journal that ends at any byte, as a crash in the middle of a write leaves it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPredictions } from "../../../reports/records/journal.ts";
import { journalPredictions } from "../../support/hostile/record-forms.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("a journal that was cut", () => {
  it("gives the predictions of its whole lines, at whatever byte it ends", async () => {
    const path = join(temporaryFolder(), "predictions.jsonl");
    const whole = Buffer.from(journalPredictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join(""));
    for (let end = 0; end <= whole.length; end += 1) {
      const cut = whole.subarray(0, end);
      writeFileSync(path, cut);
      const lines = cut.filter((byte) => byte === 0x0a).length;
      assert.deepEqual(await readPredictions(path), journalPredictions.slice(0, lines), `cut at byte ${end}`);
    }
  });
});
