/** Runs on mirrors of the bundled world: the answers and scores of its files, whoever computes them; resumed, audited, scored again. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flickr30kMirror, vqav2Mirror } from "../../support/bundled-mirrors.ts";
import { assertFails, blip2, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

interface Line {
  readonly id: string;
  readonly status: string;
  readonly text?: string;
  readonly error?: string;
}

function predictionsOf(folder: string): readonly Line[] {
  const lines = readFileSync(join(folder, "predictions.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { id, status, text, error } = JSON.parse(line) as Line;
    return { id, status, ...(text !== undefined && { text }), ...(error !== undefined && { error }) };
  });
}

function scoresOf(folder: string): unknown {
  const { metrics, samples } = JSON.parse(readFileSync(join(folder, "scores.json"), "utf8")) as Record<string, unknown>;
  return { metrics, samples };
}

/** A mirror in the Hugging Face cache of command-process.ts, as the hub's tools put it there. */
function mirrorInCache(folder: string, name: string): string {
  const repository = join(folder, "hub", "hub", `datasets--${name.replace("/", "--")}`);
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const snapshot = join(repository, "snapshots", commit);
  mkdirSync(join(repository, "refs"), { recursive: true });
  writeFileSync(join(repository, "refs", "main"), commit);
  mkdirSync(snapshot, { recursive: true });
  return snapshot;
}

describe("a run on a mirror", () => {
  const words = ["run", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "60", "--no-report", "--quiet"];
  const folder = temporaryFolder();
  const data = mirrorInCache(folder, "someone/VQAv2");

  before(() => {
    vqav2Mirror(data);
    assert.equal(blip2(folder, ...words, "-o", "files").code, 0);
  });

  it("named hf:owner/name answers and scores as one on the official files, and its record says what was read", () => {
    const { code, err } = blip2(folder, ...words, "--data", "hf:someone/VQAv2", "-o", "mirror");
    assert.equal(code, 0, err);
    assert.deepEqual(predictionsOf(join(folder, "mirror")), predictionsOf(join(folder, "files")));
    assert.deepEqual(scoresOf(join(folder, "mirror")), scoresOf(join(folder, "files")));
    const record = JSON.parse(readFileSync(join(folder, "mirror", "run.json"), "utf8")) as {
      data: { folder: string; files: readonly { name: string; sha256: string }[] };
    };
    assert.equal(record.data.folder, data);
    assert.deepEqual(
      record.data.files.map(({ name }) => name),
      [0, 1, 2].map((index) => `validation-0000${index}-of-00003.parquet`),
    );
  });

  it("goes on where it was stopped, is scored again, and is computed by several processes", () => {
    const again = [...words, "--data", data, "-o", "workers", "--workers", "2"];
    assert.equal(blip2(folder, ...again).code, 0);
    const answers = predictionsOf(join(folder, "files"));
    assert.deepEqual(predictionsOf(join(folder, "workers")), answers);
    const journal = join(folder, "workers", "predictions.jsonl");
    const lines = readFileSync(journal, "utf8").split("\n");
    writeFileSync(journal, `${lines.slice(0, 20).join("\n")}\n`); // as if it had been killed there
    const { code, err } = blip2(folder, ...again);
    assert.equal(code, 0, err);
    assert.deepEqual(predictionsOf(join(folder, "workers")), answers);
    assert.equal(blip2(folder, "score", "workers", "--quiet").code, 0);
  });

  it("is audited without a difference", () => {
    const { code, out, err } = blip2(
      folder,
      ...["audit", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "10", "--data", data, "--quiet"],
    );
    assert.equal(code, 0, err);
    assert.match(out, /No sample differs\.\n$/);
  });

  it("shows its images in a report", () => {
    const { code, err } = blip2(folder, "report", "mirror", "-o", "shown", "--quiet");
    assert.equal(code, 0, err);
    assert.match(readFileSync(join(folder, "shown", "index.html"), "utf8"), /data:image\/jpeg;base64/);
  });

  it("has failed samples where rows cannot be read, here and in other processes, and goes on when they can", () => {
    const own = temporaryFolder();
    const [first = ""] = vqav2Mirror(own, { rowGroupSize: 20 });
    const bytes = readFileSync(first);
    const jpeg = bytes.indexOf(Buffer.from([0xff, 0xd8, 0xff]));
    assert.ok(jpeg > 0);
    const broken = Buffer.from(bytes);
    broken.fill(0xff, jpeg, jpeg + 400); // the first row group cannot be decompressed
    writeFileSync(first, broken);
    for (const [output, more] of [
      ["broken", []],
      ["broken-workers", ["--workers", "2"]],
    ] as const) {
      const { code, err } = blip2(folder, ...words, "--data", own, "-o", output, ...more);
      assert.equal(code, 3, err);
      const failed = predictionsOf(join(folder, output)).filter(({ status }) => status === "failed");
      assert.ok(failed.length > 0 && failed.length < 60, String(failed.length));
      assert.match(failed[0]?.error ?? "", /validation-00000-of-00003\.parquet: cannot be read as a parquet file: /);
    }
    writeFileSync(first, bytes);
    assert.equal(blip2(folder, ...words, "--data", own, "-o", "broken").code, 0);
    assert.deepEqual(scoresOf(join(folder, "broken")), scoresOf(join(folder, "files")));
  });

  it("is refused on rows in another order, and where the mirror is not in the cache", async () => {
    const own = temporaryFolder();
    const files = vqav2Mirror(own);
    const [last = "", first = ""] = [files[2], files[0]];
    renameSync(last, `${last}.kept`);
    renameSync(first, last);
    renameSync(`${last}.kept`, first);
    const other = blip2(folder, ...words, "--data", own, "-o", "mirror");
    assert.equal(other.code, 2);
    assert.match(other.err, /data\.validation-00000-of-00003\.parquet/);

    const none = await inProcess(folder, ...words, "--data", "hf:someone/else", "-o", "none");
    assertFails(
      none,
      2,
      /someone\/else: not in the Hugging Face cache; looked for .*datasets--someone--else\. Get it with: /,
    );
    assertFails(
      await inProcess(folder, ...words, "--data", "hf:someone", "-o", "none"),
      2,
      '--data: found "hf:someone", expected hf:owner/name, or hf:owner/name@revision.',
    );
  });

  it("for retrieval, too", () => {
    const ranking = ["run", "-m", "shapes-itm", "-t", "flickr30k-retrieval", "--limit", "12", "--no-report", "--quiet"];
    const own = temporaryFolder();
    flickr30kMirror(own, { hasSplit: true });
    assert.equal(blip2(folder, ...ranking, "-o", "ranked").code, 0);
    for (const [output, more] of [
      ["ranked-mirror", []],
      ["ranked-workers", ["--workers", "2"]],
    ] as const) {
      const { code, err } = blip2(folder, ...ranking, "--data", own, "-o", output, ...more);
      assert.equal(code, 0, err);
      assert.deepEqual(predictionsOf(join(folder, output)), predictionsOf(join(folder, "ranked")));
      assert.deepEqual(scoresOf(join(folder, output)), scoresOf(join(folder, "ranked")));
    }
  });
});
