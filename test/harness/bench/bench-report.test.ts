/** The flags of the benchmark scripts. */
import assert from "node:assert/strict";
import { provideCheckpoint, readFlags } from "../../../harness/scripts/bench-report.ts";
import { retrievalShapes } from "../../../models/checkpoint/random-shapes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const read = (...words: string[]): ReturnType<typeof readFlags<"shape" | "threads">> =>
  readFlags("bench:pipeline", { shape: "base", threads: 2 }, words);

describe("flags of a benchmark", () => {
  it("have a default, and replace it in either spelling", () => {
    assert.equal(read().text("shape"), "base");
    assert.equal(read("--shape", "large").text("shape"), "large");
    assert.equal(read("--threads=3").count("threads"), 3);
    assert.equal(read("--shape=large").count("threads"), 2);
  });

  it("are refused with what was found and what was expected", () => {
    const cases: readonly (readonly [words: readonly string[], message: string])[] = [
      [["--shpe", "x"], "bench:pipeline --shpe: no such flag. Did you mean --shape? Flags: --shape, --threads."],
      [["-x"], "bench:pipeline -x: no such flag. Flags: --shape, --threads."],
      [["large"], 'bench:pipeline: found "large", expected flags only: --shape, --threads.'],
      [["--shape"], 'bench:pipeline --shape: found "", expected a value.'],
      [["--shape", "--threads", "3"], 'bench:pipeline --shape: found "--threads", expected a value.'],
    ];
    for (const [words, message] of cases) {
      assert.throws(() => read(...words), { name: "UsageError", message });
    }
    for (const value of ["0", "1.5", "two", "-1"]) {
      assert.throws(() => read(`--threads=${value}`).count("threads"), {
        name: "UsageError",
        message: `bench:pipeline --threads: found "${value}", expected a whole number from 1 on.`,
      });
    }
  });
});

describe("the checkpoint of a benchmark", () => {
  it("does not take the place of other files", async () => {
    const folder = temporaryFolder({ "notes.txt": "mine" });
    await assert.rejects(provideCheckpoint(folder, retrievalShapes.comparison), {
      name: "UsageError",
      message: `${folder}: not empty, but no checkpoint. Give another --folder, or empty this one.`,
    });
  });
});
