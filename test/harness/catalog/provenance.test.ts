/** What identifies the code of a run, and what does not. */
import assert from "node:assert/strict";
import { appendFile, cp } from "node:fs/promises";
import { join } from "node:path";
import { codeFingerprint, scorerFingerprint } from "../../../harness/catalog/provenance.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("the fingerprint of the code", () => {
  let root = "";

  before(async () => {
    root = temporaryFolder();
    for (const folder of ["datasets", "tasks", "models", "harness", "reports"]) {
      await cp(join(projectRoot, "dist", folder), join(root, folder), { recursive: true });
    }
  });

  /** How the two fingerprints answer to a comment at the end of a file: whether the code's changes, and the scorer's. */
  async function changedBy(file: string): Promise<{ readonly code: boolean; readonly scorer: boolean }> {
    const [code, scorer] = [await codeFingerprint(root), await scorerFingerprint(root)];
    await appendFile(join(root, file), "\n// a comment\n");
    return { code: (await codeFingerprint(root)) !== code, scorer: (await scorerFingerprint(root)) !== scorer };
  }

  it("is that of the code which runs", async () => {
    assert.equal(await codeFingerprint(), await codeFingerprint(join(projectRoot, "dist")));
    assert.notEqual(await codeFingerprint(), await scorerFingerprint());
  });

  it("stays where code changes that can move no prediction", async () => {
    for (const file of [
      "harness/scripts/metrics.js",
      "harness/try/server.js",
      "harness/cli/terminal.js",
      "harness/analysis/gate/gate.js",
      "reports/tables/table.js",
    ]) {
      assert.deepEqual(await changedBy(file), { code: false, scorer: false }, file);
    }
  });

  it("changes with the code that answers, and the scorer's with the code that scores", async () => {
    for (const file of ["models/blip2.js", "harness/evaluation/evaluate.js", "harness/processes/workers.js"]) {
      assert.deepEqual(await changedBy(file), { code: true, scorer: false }, file);
    }
    for (const file of ["tasks/vqav2.js", "datasets/vqa.js"]) {
      assert.deepEqual(await changedBy(file), { code: true, scorer: true }, file);
    }
  });
});
