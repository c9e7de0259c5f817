/** The cache of image features: files that are cut short, changed, in the way, or written by several at once; no room. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FeatureCache } from "../../../models/features/feature-cache.ts";
import { featureBytes, featureHeader, HEADER_BYTES, parseFeatures } from "../../../models/features/feature-file.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const shape = { tokens: 3, hidden: 4 };
const numbers = (seed: number): Float32Array =>
  Float32Array.from({ length: 12 }, (_, index) => Math.fround(seed / (index + 1)));
const names = Array.from({ length: 9 }, (_, index) => `${index}`.repeat(64));

describe("a file of image features", () => {
  const whole = (): Buffer => {
    const values = numbers(7);
    return Buffer.concat([featureHeader("a", shape, values), Buffer.from(values.buffer)]);
  };

  it("gives back the numbers, bit for bit", () => {
    assert.deepEqual(parseFeatures("a", whole(), shape), { status: "whole", values: numbers(7) });
    const crooked = Buffer.concat([Buffer.from("x"), whole()]).subarray(1);
    assert.deepEqual(parseFeatures("a", crooked, null), { status: "whole", values: numbers(7) });
    assert.equal(whole().length, HEADER_BYTES + featureBytes(shape));
  });

  it("is found damaged, whichever bit is flipped", () => {
    for (let bit = 0; bit < whole().length * 8; bit += 1) {
      const flipped = whole();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(parseFeatures("a", flipped, shape).status, "damaged", `bit ${bit}`);
      assert.equal(parseFeatures("a", flipped, null).status, "damaged", `bit ${bit}, of any shape`);
    }
  });

  it("is found damaged, wherever it is cut short, and says so", () => {
    for (let length = 0; length < whole().length; length += 1) {
      assert.equal(parseFeatures("a", whole().subarray(0, length), shape).status, "damaged", `${length} bytes`);
    }
    const damage = (file: Buffer, name = "a"): string => {
      const found = parseFeatures(name, file, shape);
      return found.status === "damaged" ? found.damage : "";
    };
    assert.equal(damage(whole().subarray(0, 20)), "cut short: found 20 bytes, expected a header of 48.");
    assert.equal(damage(whole().subarray(0, 90)), "found 90 bytes, expected 96.");
    assert.equal(damage(whole(), "b"), "its bytes have changed: their SHA-256 is not the one in its header.");
    const older = whole();
    older.write("B2IMGF00");
    assert.equal(damage(older), 'of another version: found "B2IMGF00", expected "B2IMGF01".');
    const other = { tokens: 4, hidden: 3 };
    const turned = Buffer.concat([featureHeader("a", other, numbers(7)), Buffer.from(numbers(7).buffer)]);
    assert.equal(damage(turned), "found shape [4, 3], expected [3, 4].");
  });
});

describe("the cache of image features", () => {
  const opened = (folder: string, said: string[] = [], checkpoint = "one", reserveBytes = 0): FeatureCache =>
    new FeatureCache({
      reserveBytes,
      cacheFolder: folder,
      key: "key",
      format: "format",
      checkpoint,
      precision: "fp32",
      shape,
      onEvent: (event) => said.push("message" in event ? event.message.replaceAll(folder, "FOLDER") : event.kind),
    });
  const fileOf = (folder: string, name: string): string =>
    path.join(folder, "image-features", "key", name.slice(0, 2), `${name}.f32`);

  it("gives what was put, at once and to whoever opens it later; says whose they are", async () => {
    const folder = temporaryFolder();
    const cache = opened(folder);
    assert.equal(await cache.get(names[0]!), null);
    await cache.put(names[0]!, numbers(1));
    assert.deepEqual(await cache.get(names[0]!), numbers(1));
    await cache.settled();
    assert.deepEqual(await opened(folder, [], "another").get(names[0]!), numbers(1));
    const about = readFileSync(path.join(folder, "image-features", "key", "about.json"), "utf8");
    assert.deepEqual((JSON.parse(about) as { checkpoints: unknown }).checkpoints, ["another", "one"]);
  });

  it("names what is damaged, the first three of many, and has it made anew", async () => {
    const folder = temporaryFolder();
    const said: string[] = [];
    const cache = opened(folder, said);
    for (const name of names) await cache.put(name, numbers(1));
    await cache.settled();
    for (const name of names.slice(1)) writeFileSync(fileOf(folder, name), "short");
    for (const name of names.slice(1)) assert.equal(await cache.get(name), null);
    assert.deepEqual(await cache.get(names[0]!), numbers(1));
    assert.equal(said.length, 3);
    const file = fileOf("FOLDER", names[1]!);
    const damage = "cut short: found 5 bytes, expected a header of 48.";
    assert.equal(said[0], `${file}: ${damage} The features of this image are made anew.`);
    assert.match(said[2]!, / Should there be more, they are made anew without a word\.$/);
    await cache.put(names[1]!, numbers(2));
    await cache.settled();
    assert.deepEqual(await opened(folder).get(names[1]!), numbers(2));
  });

  it("gives up once where it cannot write, says so once, goes on reading and leaves nothing half-made", async () => {
    const folder = temporaryFolder();
    const before = opened(folder);
    await before.put(names[0]!, numbers(1));
    await before.settled();
    const said: string[] = [];
    const cache = opened(folder, said, "another");
    writeFileSync(path.join(folder, "image-features", "key", "11"), "in the way");
    for (const name of names.slice(1)) await cache.put(name, numbers(2));
    await cache.settled();
    await cache.put(names[1]!, numbers(2));
    assert.equal(said.length, 1);
    assert.match(said[0]!, /^FOLDER\/image-features\/key: cannot write image features: E\w+: .*\. The run goes on /);
    assert.deepEqual(await cache.get(names[0]!), numbers(1));
    const left = readdirSync(path.join(folder, "image-features", "key"), { recursive: true }).map(String);
    assert.deepEqual(
      left.filter((name) => name.endsWith(".tmp")),
      [],
    );
  });

  it("gives up where there can be no folder at all", async () => {
    const folder = temporaryFolder({ "image-features": "a file" });
    const said: string[] = [];
    const cache = opened(folder, said);
    await cache.put(names[0]!, numbers(1));
    await cache.settled();
    assert.equal(said.length, 1);
    assert.equal(await cache.get(names[0]!), null);
  });

  it("leaves room on the disk for what the run itself writes", async () => {
    const folder = temporaryFolder();
    const said: string[] = [];
    const cache = opened(folder, said, "one", 1e18);
    for (const name of names) await cache.put(name, numbers(1));
    await cache.settled();
    assert.equal(said.length, 1);
    assert.match(
      said[0]!,
      / write image features: \d+ MB of the disk are free, and 1000000000000 MB are left to the run\. /,
    );
    assert.equal(await cache.get(names[0]!), null);
  });

  it("is whole whoever writes at the same time", async () => {
    const folder = temporaryFolder();
    const said: string[] = [];
    const writers = Array.from({ length: 6 }, () => opened(folder, said));
    await Promise.all(
      writers.flatMap((cache) => [
        ...names.map(async (name, index) => {
          await cache.put(name, numbers(index));
          const found = await opened(folder, said).get(name);
          if (found !== null) assert.deepEqual(found, numbers(index));
        }),
        cache.settled(),
      ]),
    );
    await Promise.all(writers.map((cache) => cache.settled()));
    for (const [index, name] of names.entries()) assert.deepEqual(await opened(folder).get(name), numbers(index));
    assert.deepEqual(said, []);
  });
});
