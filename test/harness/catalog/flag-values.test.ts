/** Lists of names: commas between them, and commas within a path that is there. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { names } from "../../../harness/catalog/flag-values.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("a list of names", () => {
  it("has commas between them, or comes with the flag several times; each counts once", () => {
    assert.deepEqual(names("--model", ["a, b", "c", "a"], []), ["a", "b", "c"]);
    assert.deepEqual(names("--model", undefined, ["x"]), ["x"]);
    assert.throws(() => names("--model", [",", ""], []), { message: /^--model: found ",,", expected a name/ });
  });

  it("takes a path that is there whole, whatever commas it has", () => {
    const folder = temporaryFolder({
      "lr=1e-05,seed=1/config.json": "{}",
      "a,b,c/config.json": "{}",
      "a/config.json": "",
    });
    const [swept, three, one] = ["lr=1e-05,seed=1", "a,b,c", "a"].map((name) => join(folder, name));
    assert.deepEqual(names("--model", [swept!], []), [swept]);
    assert.deepEqual(names("--model", [`shapes-opt-small,${swept!},shapes-t5-small`], []), [
      "shapes-opt-small",
      swept,
      "shapes-t5-small",
    ]);
    assert.deepEqual(names("--model", [`${one!},${three!}, ${swept!}`], []), [one, three, swept]);
    assert.deepEqual(names("--model", [`${one!},b`], []), [one, "b"]);
  });
});
