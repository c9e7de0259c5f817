/** Lists of names: commas between them, and commas within a path that is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { names, namesOrPaths } from "../../../harness/cli/options/kinds.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("a list of names", () => {
  it("has commas between them, or comes with the flag several times; each counts once", () => {
    for (const { read } of [names(), namesOrPaths("models")]) {
      assert.deepEqual(read(["a, b", "c", "a"], "--model"), ["a", "b", "c"]);
      assert.throws(() => read([",", ""], "--model"), { message: /^--model: found ",,", expected a name/ });
    }
  });

  it("takes a path that is there whole, whatever commas it has", () => {
    const folder = temporaryFolder({
      "lr=1e-05,seed=1/config.json": "{}",
      "a,b,c/config.json": "{}",
      "a/config.json": "",
    });
    const paths = namesOrPaths("models");
    const [swept, three, one] = ["lr=1e-05,seed=1", "a,b,c", "a"].map((name) => join(folder, name));
    assert.deepEqual(paths.read([swept!], "--model"), [swept]);
    assert.deepEqual(paths.read([`shapes-opt-small,${swept!},shapes-t5-small`], "--model"), [
      "shapes-opt-small",
      swept,
      "shapes-t5-small",
    ]);
    assert.deepEqual(paths.read([`${one!},${three!}, ${swept!}`], "--model"), [one, three, swept]);
    assert.deepEqual(paths.read([`${one!},b`], "--model"), [one, "b"]);
  });

  it("that are no paths is split, whatever files have such names", () => {
    const folder = temporaryFolder({ "vqav2,gqa/run.json": "{}" });
    const before = process.cwd();
    process.chdir(folder);
    try {
      assert.deepEqual(names("tasks").read(["vqav2,gqa"], "--tasks"), ["vqav2", "gqa"]);
      assert.deepEqual(namesOrPaths("models").read(["vqav2,gqa"], "--model"), ["vqav2,gqa"]);
    } finally {
      process.chdir(before);
    }
  });
});
