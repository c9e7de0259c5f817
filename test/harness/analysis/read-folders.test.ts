/** Folders for a report: one that cannot be read stands apart, and stops no report on the others. */
import assert from "node:assert/strict";
import { AnswerColumns } from "../../../harness/analysis/report/answer-groups.ts";
import { readRunFolder } from "../../../harness/analysis/report/read-folders.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("a run folder", () => {
  it("whose record is in another encoding stands apart", async () => {
    const folder = temporaryFolder({ "run.json": Buffer.from("\uFEFF{}", "utf16le") });
    assert.deepEqual(await readRunFolder(folder, new AnswerColumns()), {
      folder,
      kind: "run",
      reasons: [`${folder}/run.json: found UTF-16, expected UTF-8. Save it as UTF-8.`],
      rows: [],
    });
  });
});
