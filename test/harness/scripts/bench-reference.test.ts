/** The reference of bench:reference: how it is asked, and when no ratio is quoted against it. */
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ReferenceProcess } from "../../../harness/scripts/reference/reference-process.ts";
import { appendPiece, readPieces } from "../../../harness/scripts/reference/reference-record.ts";
import type { Piece } from "../../../harness/scripts/reference/reference-record.ts";
import { ratiosOf, referenceReport, unfairness } from "../../../harness/scripts/reference/reference-table.ts";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const python = `${process.execPath} ${fileURLToPath(new URL("../../support/fake-reference.js", import.meta.url))}`;
const decoding = {
  beams: 1,
  newTokens: { min: 1, max: 2 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
} as const;
const facts = {
  torch: "2.14",
  transformers: "5.12.1",
  blas: "MKL",
  instructions: "AVX512",
  dtype: "bfloat16",
  threads: 2,
  oneRowBytesPerSecond: 22e9,
  loadSeconds: 1,
};
const piece: Piece = {
  date: "2026-11-30T10:00:00.000Z",
  processor: "A processor",
  threads: 2,
  read: 24e9,
  checkpoint: { name: "base", weightBytes: 1.2e9 },
  work: { name: "vqa", unit: "questions", units: 10 },
  ours: { precision: "int8", batch: 8, version: "1.0.0", node: "v24.0.0", onnxRuntime: "1.30.0" },
  reference: { batch: 10, facts },
  rounds: [
    { ours: 1, reference: 4, neighbours: 0 },
    { ours: 2, reference: 4, neighbours: null },
    { ours: 1, reference: 5, neighbours: 0.02 },
  ],
};
const works = ["vqa", "caption"];
/** Cells of the rows of a report's tables, their heads left out. */
const rowsOf = (...pieces: readonly Piece[]): readonly string[] =>
  referenceReport(pieces, works)
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| precisions") && !line.startsWith("| ---"));

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
    assert.deepEqual(ratiosOf(piece.rounds), { median: 4, least: 2, most: 5 });
    assert.deepEqual(rowsOf(piece), [
      "| int8 beside bfloat16 | vqa | 10.0 questions/s, batch 8 | 2.50 questions/s, batch 10 | **4.00** | 2.00 to 5.00 in 3 |",
    ]);
  });

  it("adds pieces of the same work and sides up to one row", () => {
    const later = { ...piece, date: "2026-12-01T10:00:00.000Z", rounds: [{ ours: 1, reference: 9, neighbours: 0 }] };
    const report = referenceReport([piece, later], works);
    assert.match(report, /\*\*4\.50\*\* \| 2\.00 to 9\.00 in 4 \|/);
    assert.match(report, /^- 2026-11-30 to 2026-12-01; memory reads 24\.0 GB\/s$/m);
  });

  it("has a table for each checkpoint and processor, the largest first, and in it fp32 first and works in their order", () => {
    const fp32 = { ...piece, ours: { ...piece.ours, precision: "fp32" } };
    const caption = { ...piece, work: { ...piece.work, name: "caption" } };
    const large = { ...piece, checkpoint: { name: "large", weightBytes: 15e9 } };
    const elsewhere = { ...piece, processor: "Another processor" };
    const report = referenceReport([caption, piece, fp32, large, elsewhere], works);
    const heads = report.split("\n").filter((line) => line.includes("GB of weights"));
    assert.deepEqual(heads, [
      "large, 15.0 GB of weights; A processor, 2 threads",
      "base, 1.2 GB of weights; A processor, 2 threads",
      "base, 1.2 GB of weights; Another processor, 2 threads",
    ]);
    const named = rowsOf(caption, piece, fp32).map((row) => row.split(" | ").slice(0, 2).join(" "));
    assert.deepEqual(named, [
      "| fp32 beside bfloat16 vqa",
      "| int8 beside bfloat16 vqa",
      "| int8 beside bfloat16 caption",
    ]);
  });

  it("quotes none against a reference whose product of one row reads less than half of what memory gives", () => {
    const slow = { ...facts, blas: "OpenBLAS", dtype: "float32", oneRowBytesPerSecond: 9e9 };
    const unfair = { ...piece, reference: { batch: 10, facts: slow } };
    assert.match(unfairness(unfair) ?? "", /in float32 \(BLAS: OpenBLAS\) reads 9\.0 of 24\.0 GB\/s, expected half/);
    assert.equal(unfairness({ ...unfair, read: 18e9 }), null);
    assert.match(rowsOf(unfair)[0] ?? "", /\| refused \| – \|$/);
    assert.match(referenceReport([unfair], works), /^- refused: the reference's product of one row/m);
  });

  it("counts rounds in which others computed only where there are no quieter ones, and says so", () => {
    const [quiet, ...others] = piece.rounds;
    const noisy = others.map((round) => ({ ...round, neighbours: 0.5 }));
    const mixed = { ...piece, rounds: [quiet!, ...noisy] };
    assert.match(rowsOf(mixed)[0] ?? "", /4\.00 to 4\.00 in 1 \|$/);
    assert.match(referenceReport([mixed], works), /^- in 2 of 3 rounds others took more than a tenth/m);
    assert.match(rowsOf({ ...piece, rounds: noisy })[0] ?? "", /2\.00 to 5\.00 in 2 \|$/);
  });

  it("says where there is no reference", () => {
    const rounds = piece.rounds.map((round) => ({ ...round, reference: null }));
    assert.deepEqual(rowsOf({ ...piece, reference: null, rounds }), [
      "| int8 | vqa | 10.0 questions/s, batch 8 | not found | – | – |",
    ]);
  });
});

describe("the record of bench:reference", () => {
  it("is read as it was added to, and empty where there is none", async () => {
    const file = path.join(temporaryFolder(), "pieces.jsonl");
    assert.deepEqual(await readPieces(file), []);
    await appendPiece(file, piece);
    await appendPiece(file, { ...piece, reference: null });
    assert.deepEqual(await readPieces(file), [piece, { ...piece, reference: null }]);
  });

  it("is refused with its line where that is something else, and where it cannot be written", async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, "pieces.jsonl");
    await appendPiece(file, piece);
    appendFileSync(file, '{"date":1}\n');
    await assert.rejects(readPieces(file), /--record .*pieces\.jsonl: line 2: "date": .* take the line out\.$/);
    await assert.rejects(
      appendPiece(folder, piece),
      /^UsageError: bench:reference --record .*: cannot be written: EISDIR/,
    );
  });
});
