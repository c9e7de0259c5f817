/** `bench` on a retrieval task, with the bundled checkpoint that ranks. */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseBenchPoint } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint } from "../../../reports/records/bench/bench-record.ts";
import { inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const short = ["bench", "--quick", "--output", "b", "--min-duration", "50ms", "--threads", "1"];

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

function point(name: string): BenchPoint {
  const file = join(folder, "b", "points", name, "point.json");
  return parseBenchPoint(readFileSync(file, "utf8"), file);
}

describe("bench of a retrieval task", () => {
  const words = [...short, "--tasks", "flickr30k-retrieval", "--rerank", "6", "--batch-sizes", "3", "--limit", "7"];

  it("looks each image up among all texts, in every scenario, and gives the ranks of `run`", async () => {
    const scenarios = ["--scenarios", "single-stream,multi-stream,server,offline", "--target-qps", "20"];
    const { code, out, err } = await inProcess(
      folder,
      ...words,
      ...scenarios,
      "--restarts",
      "1",
      "--min-queries",
      "10",
    );
    assert.equal(code, 0, err);
    assert.match(out, /^checkpoint .* pairs\/s +MB/m);
    assert.doesNotMatch(out, /first token/);
    const names = ["fp32-b1-t1-single-stream", "fp32-b3-t1-multi-stream", "fp32-b3-t1-server", "fp32-b3-t1-offline"];
    for (const name of names) {
      const { stagesMs, accuracyCheck, throughput, galleryMs, failed } = point(`shapes-itm-${name}`);
      const stages = ["queue", "imageRead", "imageDecode", "imageResize", "vision", "qFormer", "projection", "store"];
      assert.deepEqual(Object.keys(stagesMs), [...stages, "compare", "imageKeys", "matching"]);
      assert.equal(new Set(Object.values(stagesMs).map(({ count }) => count)).size, 1, "nothing is kept of an image");
      assert.deepEqual([accuracyCheck!.equal, failed], [accuracyCheck!.compared, 0]);
      const { samplesPerSecond, pairsPerSecond, tokensPerSecond } = throughput;
      assert.ok(Math.abs(pairsPerSecond!.value - 6 * samplesPerSecond!.value) < 1e-6 * pairsPerSecond!.value);
      assert.equal(tokensPerSecond, null);
      assert.ok(galleryMs!.value > 0);
    }

    const run = ["run", "--model", "shapes-itm", "--tasks", "flickr30k-retrieval", "--rerank", "6", "--limit", "7"];
    assert.equal((await inProcess(folder, ...run, "--output", "run", "--no-report")).code, 0);
    const scores = readFileSync(join(folder, "run", "scores.json"), "utf8");
    const { metrics } = JSON.parse(scores) as { metrics: { name: string; value: number; standardError: number }[] };
    const { name, value, standardError } = metrics[0]!;
    const found = point("shapes-itm-fp32-b3-t1-offline").accuracy;
    assert.deepEqual(found, { metric: name, value, standardError, samples: 7 });
  });

  it("counts an image that cannot be read as a failed sample, with its reason", async () => {
    cpSync(bundledData, join(folder, "data"), { recursive: true });
    const images = join(folder, "data", "flickr30k-images");
    for (const name of readdirSync(images)) rmSync(join(images, name));
    const once = ["--scenarios", "offline", "--restarts", "1", "--data", "data"];
    const { code, out } = await inProcess(folder, ...words, ...once);
    assert.equal(code, 3);
    assert.match(out, /INVALID: \d+ of \d+ samples failed, the first with: .*: no such file/);
    assert.equal(point("shapes-itm-fp32-b3-t1-offline").accuracy, null);
  });
});
