/** The audit: what it calls a difference, and the command on the bundled world. */
import assert from "node:assert/strict";
import { compareAnswers } from "../../../harness/evaluation/generation/audit.ts";
import { formatAudit } from "../../../reports/findings/audit-table.ts";
import type { Audit, TaskAudit } from "../../../reports/records/findings/audit.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { assertFails, fakeInProcess, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

function answer(id: string, tokens: readonly number[], score: number): Prediction {
  return { id, status: "predicted", image: id, prompt: "", text: tokens.join(" "), tokens, score, latencyMs: {} };
}

describe("an audit", () => {
  it("tells other answers from other scores, and lets rounding pass", () => {
    const plain = [answer("a", [1], -1), answer("b", [1], -1), answer("c", [1], -1)];
    const fast = [answer("a", [1], -1.00001), answer("b", [1], -1.5), answer("c", [2], -1)];
    const { differences, largestScoreDifference } = compareAnswers(plain, fast);
    assert.deepEqual(
      differences.map(({ id, what }) => [id, what]),
      [
        ["b", "score"],
        ["c", "answer"],
      ],
    );
    assert.equal(largestScoreDifference, 0.5);
    const about = { checkpoint: "m", precision: "fp32", task: "t", split: "val", samples: 3, failed: 0 };
    const task: TaskAudit = { ...about, differences, largestScoreDifference, expected: null };
    const text = formatAudit({ format: "blip2-bench-audit/1", batchSize: 8, tasks: [task] });
    assert.match(text, /^ {2}c\n {4}alone {5}"1" {2}\(tokens 1; score -1\)\n {4}in batch {2}"2"/m);
    assert.match(text, /There should be none: m t\.$/);
  });

  it("finds nothing in fp32, of any kind of model", async () => {
    const words = ["audit", "-m", "shapes-opt-small,shapes-t5-small,shapes-itm", "--limit", "10", "--quiet"];
    const { code, out, err } = await inProcess(temporaryFolder(), ...words);
    assert.equal(code, 0, err);
    assert.match(out, /No sample differs\.\n$/);
  });

  it("explains what it finds in int8, and ends well", async () => {
    const words = ["audit", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "8", "--precision", "int8", "--json"];
    const { code, out } = await inProcess(temporaryFolder(), ...words);
    assert.equal(code, 0);
    const [task] = (JSON.parse(out) as Audit).tasks;
    assert.ok(task!.differences.length > 0);
    assert.match(task!.expected ?? "", /rounded by one scale/);
  });

  it("ends with 3 where fp32 differs, and needs a model", async () => {
    const { code, out } = await fakeInProcess(temporaryFolder(), "audit", "-m", "fake", "--limit", "6"); // it answers by its company
    assert.equal(code, 3);
    assert.match(out, /There should be none: fake vqav2\.\n$/);
    assertFails(
      await fakeInProcess(temporaryFolder(), "audit"),
      2,
      "audit: found no --model, expected the checkpoint to audit.",
    );
  });
});
