/** The reference of bench:reference: how it is asked, and when no ratio is quoted against it. */
import assert from "node:assert/strict";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ReferenceProcess } from "../../../harness/scripts/reference/reference-process.ts";
import { ratiosOf, tableRow, unfairness } from "../../../harness/scripts/reference/reference-table.ts";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import { projectRoot } from "../../support/project.ts";

const python = `${process.execPath} ${fileURLToPath(new URL("../../support/fake-reference.js", import.meta.url))}`;
const decoding = {
  ...{ beams: 1, newTokens: { min: 1, max: 2 }, lengthPenalty: 1, repetitionPenalty: 1 },
  earlyStopping: false,
} as const;
const work = {
  ...{ name: "vqa", unit: "questions", units: 10 },
  rounds: [
    { ours: 1, reference: 4 },
    { ours: 2, reference: 4 },
    { ours: 1, reference: 5 },
  ],
};
const ours = { precision: "int8", batch: 8 };

describe("the reference's process", () => {
  const options = { python, checkpoint: "/a/checkpoint", dtype: "bfloat16", threads: 1 } as const;

  it("says what it is, and answers questions about images", async () => {
    const reference = await ReferenceProcess.start(options);
    assert.equal(reference.facts.blas, "OpenBLAS");
    const image = path.join(projectRoot, "README.md"); // any file: it is passed on as it is
    const requests = [{ image: { id: "1", path: image }, prompt: "a photo of" }];
    const answered = await reference.answer(requests, decoding, 1).finally(() => {
      reference.release();
    });
    assert.deepEqual(answered, { seconds: 2, texts: ["A PHOTO OF"] });
  });

  it("is refused with its last words where it does not start", async () => {
    const start = ReferenceProcess.start({ ...options, checkpoint: "/nowhere" });
    await assert.rejects(
      start,
      (error) => error instanceof UsageError && error.message.startsWith(`--python ${python}:`),
    );
    const missing = ReferenceProcess.start({ ...options, python: "no-such-command" });
    await assert.rejects(missing, /--python no-such-command: no reference: .*ENOENT.* Expected a Python with torch/);
  });
});

describe("the table of bench:reference", () => {
  it("quotes the median of the paired ratios, and their spread", () => {
    assert.deepEqual(ratiosOf(work), { median: 4, least: 2, most: 5 });
    const row = tableRow(work, ours, { dtype: "bfloat16", batch: 10, isFair: true });
    assert.equal(
      row,
      "| vqa | 10.0 questions/s | int8, batch 8 | 2.50 questions/s | bfloat16, batch 10 | **4.00** | 2.00 to 5.00 |",
    );
  });

  it("quotes none against a reference whose product of one row reads less than half of what memory gives", () => {
    const slow = { blas: "OpenBLAS", dtype: "float32", oneRowBytesPerSecond: 9e9 };
    assert.match(
      unfairness(slow, 24e9) ?? "",
      /in float32 \(BLAS: OpenBLAS\) reads 9\.0 of 24\.0 GB\/s, expected half/,
    );
    assert.equal(unfairness({ ...slow, oneRowBytesPerSecond: 12e9 }, 24e9), null);
    const row = tableRow(work, ours, { dtype: "float32", batch: 10, isFair: false });
    assert.match(row, /\| refused \| – \|$/);
  });

  it("says where there is no reference", () => {
    assert.match(tableRow(work, ours, null), /^\| vqa \| 10\.0 questions\/s \| int8, batch 8 \| – \| not found \|/);
  });
});
