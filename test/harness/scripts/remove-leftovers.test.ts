/** What a build leaves of sources that are gone. */
import assert from "node:assert/strict";
import path from "node:path";
import { leftovers } from "../../../harness/scripts/remove-leftovers.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

describe("npm run build", () => {
  it("finds what was made of a source that is gone, and nothing else", () => {
    const names = [
      ...["models/kept.ts", "dist/models/kept.js", "dist/models/kept.d.ts", "dist/models/kept.js.map"],
      ...["dist/models/gone.js", "dist/models/gone.d.ts", "dist/models/gone.js.map", "dist/tasks/moved.test.js"],
      "dist/.tsbuildinfo",
    ];
    const sources = temporaryFolder(Object.fromEntries(names.map((name) => [name, ""])));
    const built = path.join(sources, "dist");
    assert.deepEqual(
      leftovers(built, sources).toSorted(),
      ["models/gone.d.ts", "models/gone.js", "models/gone.js.map", "tasks/moved.test.js"].map((name) =>
        path.join(built, name),
      ),
    );
  });
});
