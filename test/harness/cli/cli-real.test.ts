/** The real command on a bundled checkpoint: what comes of good data, broken images and a broken checkpoint. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const bundledSmall = join(projectRoot, "models", "bundled", "shapes-opt-small");

describe("blip2-bench run with a bundled checkpoint", () => {
  it("answers, scores and exits with 0, whatever the batch size", async () => {
    const folder = temporaryFolder();
    const words = ["run", "--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "10", "--quiet"];
    const { code, out, err } = await inProcess(folder, ...words, "--output", "a");
    assert.equal(code, 0, err);
    assert.match(out, /^shapes-opt-small +vqav2 +val +paper +accuracy +\d+\.\d\d ± \d+\.\d\d % .* 10 +0$/m);
    await inProcess(folder, ...words, "--output", "b", "--batch-size", "1");
    const answers = (name: string): unknown => {
      const scores = JSON.parse(readFileSync(join(folder, name, "scores.json"), "utf8")) as { samples: object };
      return scores.samples;
    };
    assert.deepEqual(answers("b"), answers("a"));
  });

  it("fails the samples whose image is broken, counts them, and exits with 3", async () => {
    const folder = temporaryFolder();
    const data = join(folder, "data");
    cpSync(bundledData, data, { recursive: true });
    const image = (id: string): string => join(data, "val2014", `COCO_val2014_${id.padStart(12, "0")}.jpg`);
    truncateSync(image("1000"), 300);
    writeFileSync(image("1953"), "");
    writeFileSync(image("5676"), "not an image");
    const { code, out, err } = await inProcess(
      folder,
      "run",
      "--model",
      bundledSmall,
      "--data",
      data,
      "-L",
      "5",
      "-o",
      "a",
    );
    assert.equal(code, 3);
    assert.match(err, /error: shapes-opt-small vqav2: 3 of 5 samples failed:\n {2}1000001: /);
    assert.match(out, /partial: 3 of 5 samples failed; scored on the other 2\./);
  });

  it("refuses a broken checkpoint with 2, and leaves no run folder", async () => {
    const folder = temporaryFolder();
    const broken = join(folder, "broken");
    cpSync(bundledSmall, broken, { recursive: true });
    truncateSync(join(broken, "model.safetensors"), 100_000);
    assertFails(
      await inProcess(folder, "run", "--model", "broken", "--output", "a"),
      2,
      /^error: .*model\.safetensors: .*truncated/,
    );
    mkdirSync(join(folder, "empty"));
    assertFails(
      await inProcess(folder, "run", "--model", "./empty", "--output", "a"),
      2,
      /^error: .*config\.json: no such file/,
    );
    assert.throws(() => readFileSync(join(folder, "a", "run.json")), { code: "ENOENT" });
  });
});
