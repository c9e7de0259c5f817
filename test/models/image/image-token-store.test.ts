/** Image tokens on disk between embedding and matching. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { ImageTokenStore } from "../../../models/image-token-store.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

const one = Float32Array.of(1, 2, 3);
const two = Float32Array.of(4, 5, 6);
const byteLength = 12;

describe("image token store", () => {
  it("gives back what was put, the last of an image, and null for what it does not have", async () => {
    const store = new ImageTokenStore(temporaryFolder(), { byteLength, limitBytes: null });
    assert.equal(await store.get("a"), null);
    await store.put("a", two);
    await store.put("b", new Float32Array([0, ...two]).subarray(1)); // a view into a larger buffer
    await store.put("a", one);
    assert.deepEqual(await store.get("a"), one);
    assert.deepEqual(await store.get("b"), two);
    assert.equal(await store.get("c"), null);
    await store.release();
    assert.equal(await store.get("a"), null);
  });

  it("keeps as many images as its limit allows", async () => {
    const store = new ImageTokenStore(temporaryFolder(), { byteLength, limitBytes: 23 });
    await store.put("a", one);
    await store.put("b", two);
    assert.deepEqual(await store.get("a"), one);
    assert.equal(await store.get("b"), null);
    await store.release();
  });

  it("gives the room of an image that was dropped to the next", async () => {
    const store = new ImageTokenStore(temporaryFolder(), { byteLength, limitBytes: 24 });
    await store.put("a", one);
    await store.put("b", one);
    store.drop("a");
    store.drop("nobody");
    assert.equal(await store.get("a"), null);
    await store.put("c", two);
    await store.put("d", two);
    assert.deepEqual([await store.get("b"), await store.get("c"), await store.get("d")], [one, two, null]);
    await store.release();
  });

  it("leaves no file behind, whatever happens: it has no name while it is used", async () => {
    const folder = temporaryFolder();
    const store = new ImageTokenStore(path.join(folder, "deep", "down"), { byteLength, limitBytes: null });
    await store.put("a", one);
    assert.deepEqual(readdirSync(path.join(folder, "deep", "down")), []);
    await store.release();
  });

  it("says where it cannot write", async () => {
    const folder = temporaryFolder({ file: "" });
    const store = new ImageTokenStore(path.join(folder, "file"), { byteLength, limitBytes: null });
    const message =
      /^FOLDER\/file: cannot write the tokens of image a: .* Use another cache folder \(--cache\), or one with more room\.$/;
    await assertRefused(() => store.put("a", one), message, folder);
    const other = new ImageTokenStore(folder, { byteLength, limitBytes: null });
    await assert.rejects(
      () => other.put("a", Float32Array.of(1)),
      /^RangeError: image tokens of 4 bytes, expected 12$/,
    );
  });
});
