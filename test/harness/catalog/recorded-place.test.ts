import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordedPlace } from "../../../harness/catalog/find-checkpoint.ts";

const commit = "51572668da0eb669e01a189dc22abe6088589a24";

describe("where a run's checkpoint is found again", () => {
  const placeOf = (source?: string): string | null => recordedPlace({ name: "shapes", source });

  it("is its bundled name, its folder, or its name and revision on the hub", () => {
    assert.equal(placeOf("bundled"), "shapes");
    assert.equal(placeOf("path/to/shapes"), "path/to/shapes");
    assert.equal(placeOf(`Salesforce/blip2-opt-2.7b at ${commit}`), `Salesforce/blip2-opt-2.7b@${commit}`);
  });

  it("is nowhere for an imported run", () => {
    assert.equal(placeOf(), null);
  });

  it("is an adapter's own place, without that of its base", () => {
    assert.equal(placeOf(`path/to/adapter on Salesforce/blip2-opt-2.7b at ${commit}`), "path/to/adapter");
    assert.equal(placeOf(`me/adapter at ${commit} on path/to/base`), `me/adapter@${commit}`);
  });

  it("is a folder with the word in its name that stands before an adapter's base", () => {
    const folder = mkdtempSync(join(tmpdir(), "place-"));
    const inside = join(folder, "cats on mats");
    mkdirSync(inside);
    assert.equal(placeOf(inside), inside);
    rmSync(folder, { recursive: true });
  });
});
