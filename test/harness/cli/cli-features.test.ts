/** The real command with --keep-features: what it says beforehand, keeps, reads, finds damaged, lists and removes. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inProcess, realCommand, startProcess } from "../../support/command-process.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const two = ["--model", "shapes-opt-small,shapes-t5-base", "--tasks", "coco-caption", "--limit", "8"];
const one = ["--model", "shapes-opt-small", "--tasks", "coco-caption", "--limit", "8"];

/** The folder of the only encoder whose features are kept, and its files. */
function kept(folder: string): { readonly encoder: string; readonly files: readonly string[] } {
  const parent = join(folder, "cache", "blip2-bench", "image-features");
  const [key = "", ...others] = readdirSync(parent);
  assert.deepEqual(others, []);
  const encoder = join(parent, key);
  const files = readdirSync(encoder, { recursive: true }).map(String);
  return { encoder, files: files.filter((file) => file.endsWith(".f32")).sort() };
}

/** Stages that predictions took time for. */
function stages(run: string): ReadonlySet<string> {
  const lines = readFileSync(join(run, "predictions.jsonl"), "utf8").trim().split("\n").slice(1);
  const predictions = lines.map((line) => JSON.parse(line) as { latencyMs?: Record<string, number> });
  return new Set(predictions.flatMap(({ latencyMs }) => Object.keys(latencyMs ?? {})));
}

describe("blip2-bench run --keep-features", () => {
  it("says what it takes, encodes once for two checkpoints, and writes the bytes of a run without", async () => {
    const folder = temporaryFolder();
    const plain = await inProcess(folder, "run", ...two, "-o", "plain");
    assert.equal(plain.code, 0, plain.err);
    const { code, err } = await inProcess(folder, "run", ...two, "-o", "kept", "--keep-features");
    assert.equal(code, 0, err);
    assert.match(
      err,
      /^--keep-features: image features are kept in \S+\/cache\/blip2-bench\. Checkpoints with the same image encoder share them\.\n {2}shapes-opt-small: 8 images x 33\.3 kB = 266\.2 kB\n {2}shapes-t5-base: 8 images x /,
    );
    assert.equal(kept(folder).files.length, 8);
    for (const name of ["shapes-opt-small", "shapes-t5-base"]) {
      assert.equal(
        bytesOf(join(folder, "kept", name, "coco-caption")),
        bytesOf(join(folder, "plain", name, "coco-caption")),
      );
    }
    const made = stages(join(folder, "kept", "shapes-opt-small", "coco-caption"));
    assert.ok(made.has("vision") && !made.has("features"));
    const read = stages(join(folder, "kept", "shapes-t5-base", "coco-caption"));
    assert.ok(read.has("features") && !read.has("vision") && !read.has("imageDecode"));
  });

  it("keeps nothing unless it is asked to, and goes on with a run that did not", async () => {
    const folder = temporaryFolder();
    assert.equal((await inProcess(folder, "run", ...one, "-o", "a")).code, 0);
    assert.doesNotMatch(readdirSync(join(folder, "cache", "blip2-bench")).join(), /image-features/);
    assert.equal((await inProcess(folder, "run", ...one, "-o", "a", "--keep-features", "--quiet")).err, "");
  });

  it("names an entry that is damaged, once, and makes it anew", async () => {
    const folder = temporaryFolder();
    await inProcess(folder, "run", ...one, "-o", "a", "--keep-features", "--quiet");
    const { encoder, files } = kept(folder);
    const file = join(encoder, files[2]!);
    truncateSync(file, 1000);
    const { code, err } = await inProcess(folder, "run", ...one, "-o", "b", "--keep-features", "--quiet");
    assert.equal(code, 0);
    assert.equal(err, `${file}: found 1000 bytes, expected 33328. The features of this image are made anew.\n`);
    assert.equal(bytesOf(join(folder, "b")), bytesOf(join(folder, "a")));
    assert.equal((await inProcess(folder, "run", ...one, "-o", "c", "--keep-features", "--quiet")).err, "");
  });

  it("goes on where features cannot be written, and says so once", async () => {
    const folder = temporaryFolder({ "named/image-features": "a file" });
    const named = ["--cache", join(folder, "named"), "--keep-features", "--quiet"];
    const { code, err } = await inProcess(folder, "run", ...one, "-o", "a", ...named);
    assert.equal(code, 0, err);
    assert.match(
      err,
      /^\S+image-features\/[0-9a-f]+: cannot write image features: [^\n]+ or name another folder with --cache\.\n$/,
    );
    assert.ok(stages(join(folder, "a")).has("vision"));
  });

  it("is safe from another process that does the same", async () => {
    const folder = temporaryFolder();
    const processes = ["a", "b"].map((output) => {
      const words = ["run", ...one, "-o", output, "--keep-features", "--quiet"];
      return startProcess(folder, { command: realCommand, words });
    });
    const ended = await Promise.all(processes.map((child) => once(child, "exit")));
    assert.deepEqual(ended, [
      [0, null],
      [0, null],
    ]);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "b")));
    assert.equal(kept(folder).files.length, 8);
    assert.equal((await inProcess(folder, "cache", "verify")).code, 0);
  });
});

describe("blip2-bench cache, with image features", () => {
  it("lists them by encoder, verifies every image's, and removes the damaged ones alone, or all", async () => {
    const folder = temporaryFolder();
    await inProcess(folder, "run", ...two, "-o", "a", "--keep-features", "--quiet");
    const row = (what: string, state: string): RegExp =>
      new RegExp(`^shapes-opt-small, shapes-t5-base +${what} +0\\.\\d MB +${state} +/\\S+/image-features/`, "m");
    assert.match((await inProcess(folder, "cache", "ls")).out, row("fp32 features of 8 images", "finished"));
    const whole = await inProcess(folder, "cache", "verify");
    assert.equal(whole.code, 0, whole.err);
    assert.match(whole.out, row("fp32 features of 8 images", "whole"));
    assert.match((await inProcess(folder, "cache", "prune")).out, /: nothing to remove\n$/);

    const { encoder, files } = kept(folder);
    for (const name of files.slice(0, 5)) {
      const bytes = readFileSync(join(encoder, name));
      bytes[500]! ^= 1;
      writeFileSync(join(encoder, name), bytes);
    }
    const damaged = await inProcess(folder, "cache", "verify");
    assert.equal(damaged.code, 2);
    assert.match(damaged.out, row("fp32 features of 8 images", "damaged"));
    const named = [...damaged.err.matchAll(/^(?:error: )?(\S+)\.f32: its bytes have changed/gm)];
    assert.equal(named.length, 3, damaged.err);
    assert.match(damaged.err, /: 2 more images\nThe next run /);
    assert.match((await inProcess(folder, "cache", "prune")).out, row("features of 5 of 8 images", "damaged"));
    assert.equal(kept(folder).files.length, 3);

    writeFileSync(join(encoder, "about.json"), "{}");
    const { out } = await inProcess(folder, "cache", "ls");
    assert.match(out, /^unknown +unknown features of 3 images +0\.1 MB +outdated +/m);
    assert.match((await inProcess(folder, "cache", "prune")).out, /unknown features of 3 images/);
    assert.match((await inProcess(folder, "cache", "ls")).out, /: nothing is kept\n$/);
  });
});
