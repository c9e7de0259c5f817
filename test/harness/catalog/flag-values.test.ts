/** Lists of names: commas between them, and commas within a path that is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { names, namesOrPaths } from "../../../harness/catalog/flag-values.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("a list of names", () => {
  it("has commas between them, or comes with the flag several times; each counts once", () => {
    for (const read of [names, namesOrPaths]) {
      assert.deepEqual(read("--model", ["a, b", "c", "a"], []), ["a", "b", "c"]);
      assert.deepEqual(read("--model", undefined, ["x"]), ["x"]);
      assert.throws(() => read("--model", [",", ""], []), { message: /^--model: found ",,", expected a name/ });
    }
  });

  it("takes a path that is there whole, whatever commas it has", () => {
    const folder = temporaryFolder({
      "lr=1e-05,seed=1/config.json": "{}",
      "a,b,c/config.json": "{}",
      "a/config.json": "",
    });
    const [swept, three, one] = ["lr=1e-05,seed=1", "a,b,c", "a"].map((name) => join(folder, name));
    assert.deepEqual(namesOrPaths("--model", [swept!], []), [swept]);
    assert.deepEqual(namesOrPaths("--model", [`shapes-opt-small,${swept!},shapes-t5-small`], []), [
      "shapes-opt-small",
      swept,
      "shapes-t5-small",
    ]);
    assert.deepEqual(namesOrPaths("--model", [`${one!},${three!}, ${swept!}`], []), [one, three, swept]);
    assert.deepEqual(namesOrPaths("--model", [`${one!},b`], []), [one, "b"]);
  });

  it("that are no paths is split, whatever files have such names", () => {
    const folder = temporaryFolder({ "vqav2,gqa/run.json": "{}" });
    const before = process.cwd();
    process.chdir(folder);
    try {
      assert.deepEqual(names("--tasks", ["vqav2,gqa"], []), ["vqav2", "gqa"]);
      assert.deepEqual(namesOrPaths("--model", ["vqav2,gqa"], []), ["vqav2,gqa"]);
    } finally {
      process.chdir(before);
    }
  });
});
