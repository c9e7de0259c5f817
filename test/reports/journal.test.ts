/** predictions.jsonl: what a crash may leave of it, and what is refused. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Journal } from "../../reports/records/journal.ts";
import type { Prediction } from "../../reports/records/run-record.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

function predicted(id: string, text = "red"): Prediction {
  return { id, status: "predicted", image: "1", prompt: "?", text, tokens: [3], score: -0.5, latencyMs: { decode: 1 } };
}

describe("the journal", () => {
  let file = "";
  beforeEach(async () => {
    file = join(temporaryFolder(), "predictions.jsonl");
    const journal = await Journal.open(file);
    await journal.append([predicted("a"), predicted("b", "é\u2028\n")]);
    await journal.append([{ id: "c", status: "failed", image: "1", prompt: null, error: "no such image" }]);
    await journal.close();
  });

  it("drops a torn last line, wherever it is torn", async () => {
    const whole = readFileSync(file);
    const lastStart = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (const end of [lastStart + 1, lastStart + 20, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, end));
      assert.deepEqual([...(await Journal.open(file)).outcomes.keys()], ["a", "b"]);
    }
    writeFileSync(file, whole.subarray(0, lastStart));
    assert.deepEqual([...(await Journal.open(file)).outcomes.keys()], ["a", "b"]);
  });

  it("goes on behind a torn line without joining it", async () => {
    appendFileSync(file, '{"id":"d","sta');
    const journal = await Journal.open(file);
    await journal.arrange(["a", "b"]);
    await journal.append([predicted("c"), predicted("d")]);
    await journal.close();
    assert.deepEqual([...(await Journal.open(file)).outcomes.keys()], ["a", "b", "c", "d"]);
  });

  it("refuses any other line that cannot be read, with its number", async () => {
    const [first = "", ...others] = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, [first, '{"id":"x"', ...others].join("\n"));
    await assert.rejects(Journal.open(file), {
      name: "RunFolderError",
      message:
        /predictions\.jsonl, line 2: not a prediction: .*Delete the line, and its sample is asked again; or give --overwrite/,
    });
    writeFileSync(file, [first, first.replace('"text":"red"', '"text":3').replace('"a"', '"x"'), ...others].join("\n"));
    await assert.rejects(Journal.open(file), /line 2: not a prediction: "text": .*expected string/);
  });

  it("refuses a sample that comes twice, with both lines", async () => {
    appendFileSync(file, `${JSON.stringify(predicted("b"))}\n`);
    await assert.rejects(
      Journal.open(file),
      /line 4: sample b has a prediction already, on line 2\. Delete one of them\./,
    );
  });
});
