/** A checkpoint on disk: where it is found, which files it has, what it is. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { projectRoot } from "../../support/project.ts";
import { config, index, numbers, open, weights } from "../../support/tiny-checkpoint.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

describe("opening a checkpoint", () => {
  it("of one file", async () => {
    const folder = temporaryFolder({
      "tiny/config.json": config,
      "tiny/model.safetensors": weights({ a: [1, 2], b: [3] }),
    });
    const checkpoint = await open(path.join(folder, "tiny"));
    assert.equal(checkpoint.name, "tiny");
    assert.equal(checkpoint.folder, path.join(folder, "tiny"));
    assert.equal(checkpoint.revision, null);
    assert.equal(checkpoint.config.kind, "generation");
    assert.equal(checkpoint.weightBytes, 12);
    assert.deepEqual(await numbers(checkpoint, "b"), [3]);
  });

  it("of shards, by their index", async () => {
    const folder = temporaryFolder({
      "config.json": config,
      "model.safetensors.index.json": index({ a: "one.safetensors", b: "two.safetensors" }),
      "one.safetensors": weights({ a: [1] }),
      "two.safetensors": weights({ b: [2] }),
    });
    const checkpoint = await open(folder);
    assert.deepEqual([await numbers(checkpoint, "a"), await numbers(checkpoint, "b")], [[1], [2]]);
  });

  it("takes the single file where there is an index, too, as transformers does", async () => {
    const folder = temporaryFolder({
      "config.json": config,
      "model.safetensors.index.json": index({ a: "gone.safetensors" }),
      "model.safetensors": weights({ a: [1] }),
    });
    assert.deepEqual(await numbers(await open(folder), "a"), [1]);
  });

  it("from the Hugging Face cache, through its links", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const hubCache = temporaryFolder({
      "models--org--tiny-7b/refs/main": commit,
      "models--org--tiny-7b/blobs/c": config,
      "models--org--tiny-7b/blobs/w": weights({ a: [4] }),
    });
    const snapshot = path.join(hubCache, "models--org--tiny-7b", "snapshots", commit);
    mkdirSync(snapshot, { recursive: true });
    symlinkSync("../../blobs/c", path.join(snapshot, "config.json"));
    symlinkSync("../../blobs/w", path.join(snapshot, "model.safetensors"));
    const checkpoint = await open("org/tiny-7b", hubCache);
    assert.equal(checkpoint.name, "tiny-7b");
    assert.equal(checkpoint.revision, commit);
    assert.equal(checkpoint.tensors.get("a")?.file, path.join(hubCache, "models--org--tiny-7b", "blobs", "w"));
  });

  const W = "model.safetensors";
  const I = "model.safetensors.index.json";
  const refused: readonly (readonly [string, Readonly<Record<string, string | Uint8Array>>, string])[] = [
    [
      "without a config",
      { [W]: weights({}) },
      "FOLDER/config.json: no such file. Is FOLDER a checkpoint, and complete?",
    ],
    [
      "without weights",
      { "config.json": config },
      `FOLDER: no weights, expected ${W} or ${I}. Is the download complete?`,
    ],
    [
      "with pickled weights only",
      { "config.json": config, "pytorch_model-00001-of-00002.bin": "", "pytorch_model-00002-of-00002.bin": "" },
      "FOLDER: the weights are Python pickles (pytorch_model-00001-of-00002.bin, pytorch_model-00002-of-00002.bin), " +
        `expected ${W} or ${I}. Convert them with: npx blip2-bench convert FOLDER --output NEW_FOLDER`,
    ],
    [
      "with a shard missing",
      { "config.json": config, [I]: index({ a: "one.safetensors" }) },
      `FOLDER/${I}: shard "one.safetensors" is not in FOLDER. Is the download complete?`,
    ],
    [
      "with a shard outside its folder",
      { "config.json": config, [I]: index({ a: "../one.safetensors" }) },
      `FOLDER/${I}: shard "../one.safetensors" is not in FOLDER. Is the download complete?`,
    ],
    [
      "with a shard that lacks tensors the index places there",
      { "config.json": config, [I]: index({ a: "s", b: "s", c: "s", d: "s", e: "s" }), s: weights({ a: [1] }) },
      `FOLDER/${I}: shard s lacks tensors "b", "c", "d" and 1 more. Are index and shards from the same revision?`,
    ],
    [
      "with a shard that has a tensor the index does not know",
      { "config.json": config, [I]: index({ a: "s" }), s: weights({ a: [1], b: [1] }) },
      `FOLDER/${I}: shard s has tensor "b", which the index does not place there. Are index and shards from the same revision?`,
    ],
    [
      "with an index that is no index",
      { "config.json": config, [I]: '{"weight_map": {"a": 1}}' },
      `FOLDER/${I}: weight_map.a is 1, expected string.`,
    ],
    [
      "with one tensor under its old and its new name",
      { "config.json": config, [W]: weights({ "ln_vision.bias": [1], "vision_model.post_layernorm.bias": [1] }) },
      'NAME: tensors "ln_vision.bias" and "vision_model.post_layernorm.bias" are both "vision_model.post_layernorm.bias". Remove one.',
    ],
  ];
  for (const [what, files, message] of refused) {
    it(`refuses one ${what}`, async () => {
      const folder = temporaryFolder(files);
      await assertRefused(() => open(folder), message.replace("NAME", path.basename(folder)), folder);
    });
  }

  it("refuses what is neither a folder nor a name on the hub", async () => {
    const folder = temporaryFolder({ file: "" });
    await assertRefused(
      () => open(path.join(folder, "gone")),
      "FOLDER/gone: no such folder. Give the folder of a checkpoint, or a name on the hub such as Salesforce/blip2-opt-2.7b.",
      folder,
    );
    const message = "FOLDER/file: a file, expected the folder of a checkpoint.";
    await assertRefused(() => open(path.join(folder, "file")), message, folder);
  });
});

describe("a checkpoint's fingerprint", () => {
  const files = {
    "config.json": config,
    "model.safetensors": weights({ a: [1] }),
    "tokenizer.json": "{}",
    "README.md": "nothing that decides an answer",
  };
  const fingerprint = async (changes: Readonly<Record<string, string | Uint8Array>>): Promise<string> =>
    (await open(temporaryFolder({ ...files, ...changes }))).fingerprint();

  it("is the same for the same contents, wherever they are, and whatever else lies there", async () => {
    const same = await fingerprint({});
    assert.match(same, /^[0-9a-f]{64}$/);
    assert.equal(await fingerprint({}), same);
    assert.equal(await fingerprint({ "README.md": "other", "notes.txt": "more" }), same);
  });

  it("is another for other weights, config, tokenizer or preprocessor", async () => {
    const prints = await Promise.all([
      fingerprint({}),
      fingerprint({ "config.json": `${config}\n` }),
      fingerprint({ "model.safetensors": weights({ a: [2] }) }),
      fingerprint({ "tokenizer.json": "{ }" }),
      fingerprint({ "preprocessor_config.json": "{}" }),
    ]);
    assert.equal(new Set(prints).size, prints.length);
  });

  it("remembers a file's hash until the file changes", async () => {
    const folder = temporaryFolder(files);
    const cacheFolder = temporaryFolder();
    const print = async (): Promise<string> =>
      (await openCheckpoint(folder, { hubCache: "/nowhere", cacheFolder })).fingerprint();
    const first = await print();
    const file = path.join(folder, "tokenizer.json");

    // The same size and time: what is remembered is believed. That it is shows that nothing was read again.
    utimesSync(file, 1000, 1000);
    const before = await print();
    writeFileSync(file, "[]");
    utimesSync(file, 1000, 1000);
    assert.equal(before, first);
    assert.equal(await print(), first);

    utimesSync(file, 2000, 2000);
    assert.notEqual(await print(), first);
  });

  it("takes the name of a blob in the Hugging Face cache for its hash", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const hubCache = temporaryFolder({ "models--o--n/refs/main": commit, [`models--o--n/blobs/c`]: config });
    const blob = path.join(hubCache, "models--o--n", "blobs", "ab".repeat(32));
    const snapshot = path.join(hubCache, "models--o--n", "snapshots", commit);
    mkdirSync(snapshot, { recursive: true });
    symlinkSync("../../blobs/c", path.join(snapshot, "config.json"));
    symlinkSync(blob, path.join(snapshot, "model.safetensors"));
    writeFileSync(blob, weights({ a: [1] }));
    const first = await (await open("o/n", hubCache)).fingerprint();
    writeFileSync(blob, weights({ a: [2] })); // never so in a real cache
    assert.equal(await (await open("o/n", hubCache)).fingerprint(), first);
  });

  it("cannot be remembered in a cache that cannot be written", async () => {
    const folder = temporaryFolder({ ...files, cache: "a file" });
    const checkpoint = await openCheckpoint(folder, { hubCache: "/nowhere", cacheFolder: path.join(folder, "cache") });
    const message =
      /^FOLDER\/cache\/file-hashes: cannot write to the cache: Error: ENOTDIR.* Give another folder with --cache\.$/;
    await assertRefused(() => checkpoint.fingerprint(), message, folder);
  });

  it("cannot be remembered where the system makes no folders, which is said at once", async function () {
    if (process.platform !== "linux") this.skip();
    const checkpoint = await openCheckpoint(temporaryFolder(files), {
      hubCache: "/nowhere",
      cacheFolder: "/proc/a/cache",
    });
    const message = /^\/proc\/a\/cache\/file-hashes: cannot write to the cache: Error: ENOENT/;
    await assertRefused(() => checkpoint.fingerprint(), message);
  });
});

describe("the bundled checkpoints", () => {
  for (const name of ["shapes-opt-small", "shapes-opt-base"]) {
    it(`${name} opens with every tensor of its files`, async () => {
      const folder = path.join(projectRoot, "models", "bundled", name);
      const checkpoint = await open(folder);
      const width = checkpoint.config.text?.family === "opt" ? checkpoint.config.text.hidden : 0;
      const vocabulary = checkpoint.tensors.get("language_model.model.decoder.embed_tokens.weight");
      assert.deepEqual(vocabulary?.shape, [496, width]);
      assert.deepEqual(checkpoint.joined, []);
      assert.ok(readFileSync(vocabulary.file).byteLength >= vocabulary.offset + vocabulary.byteLength);
    });
  }
});
