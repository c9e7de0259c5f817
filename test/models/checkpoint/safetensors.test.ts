/** Safetensors files: what is read from them, what is said of broken ones, what is written. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, symlinkSync, truncateSync } from "node:fs";
import path from "node:path";
import { readSafetensorsHeader, readTensor } from "../../../models/checkpoint/safetensors.ts";
import type { SafetensorsType, TensorEntry } from "../../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../../models/checkpoint/safetensors-writer.ts";
import { assertRefused, safetensorsBytes, temporaryFolder } from "../../support/temporary-files.ts";

const one = (begin: number, end: number) => ({ dtype: "F32", shape: [(end - begin) / 4], data_offsets: [begin, end] });

describe("a safetensors header", () => {
  it("gives name, type, shape and absolute place of every tensor", async () => {
    const header = {
      __metadata__: { format: "pt" },
      b: { dtype: "F16", shape: [2, 3], data_offsets: [4, 16] },
      a: { dtype: "F32", shape: [], data_offsets: [0, 4] },
      empty: { dtype: "F32", shape: [0, 5], data_offsets: [16, 16] },
    };
    const file = path.join(
      temporaryFolder({ "x.safetensors": safetensorsBytes(header, new Uint8Array(16)) }),
      "x.safetensors",
    );
    const start = 8 + JSON.stringify(header).length;
    assert.deepEqual(
      [...(await readSafetensorsHeader(file)).values()],
      [
        { name: "b", dtype: "F16", shape: [2, 3], file, offset: start + 4, byteLength: 12 },
        { name: "a", dtype: "F32", shape: [], file, offset: start, byteLength: 4 },
        { name: "empty", dtype: "F32", shape: [0, 5], file, offset: start + 16, byteLength: 0 },
      ],
    );
  });

  it("follows links to the real file", async () => {
    const folder = temporaryFolder({ blob: safetensorsBytes({ a: one(0, 4) }, new Uint8Array(4)) });
    symlinkSync("blob", path.join(folder, "x.safetensors"));
    const entries = await readSafetensorsHeader(path.join(folder, "x.safetensors"));
    assert.equal(entries.get("a")?.file, path.join(folder, "blob"));
  });

  const data = new Uint8Array(16);
  const broken: readonly (readonly [string, Uint8Array, string])[] = [
    ["an empty file", new Uint8Array(), "the file is empty. Download it again."],
    [
      "a file shorter than a header's length",
      new Uint8Array(5),
      "5 bytes is too short for a safetensors file. Download it again.",
    ],
    [
      "a header longer than the file",
      Buffer.from("a web page, say, in place of the file"),
      "the header should have 7021147426051792993 bytes, but the file has 37. It is truncated, or not a safetensors file.",
    ],
  ];
  for (const [what, bytes, message] of broken) {
    it(`refuses ${what}`, async () => {
      const folder = temporaryFolder({ x: bytes });
      await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), `FOLDER/x: ${message}`, folder);
    });
  }

  const headers: readonly (readonly [string, unknown, string])[] = [
    [
      "a header that is no JSON, and says where",
      '{"a": {"dtype": F32}}',
      'x, header: not JSON: expected a value, found "F" at position 16. Is the download complete?',
    ],
    ["a header that is no object", "[1, 2]", "x, header: the content is [1,2], expected an object."],
    [
      "the same name twice",
      '{"a": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}, "a": {"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
      'x, header: not JSON: key "a" for the second time at position 56. Is the download complete?',
    ],
    [
      "an entry without a shape",
      { a: { dtype: "F32", data_offsets: [0, 4] } },
      "x, header: a.shape is missing, expected array.",
    ],
    [
      "an unknown type",
      { a: { ...one(0, 4), dtype: "F33" } },
      'x: tensor "a" has dtype F33, expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64.',
    ],
    [
      "a negative length",
      { a: { ...one(0, 4), shape: [-1] } },
      "x, header: a.shape.0 is -1, expected number to be >=0.",
    ],
    [
      "a shape that does not fit the bytes",
      { a: { dtype: "F16", shape: [3, 4], data_offsets: [0, 16] } },
      'x: tensor "a" of shape [3, 4] and dtype F16 has 16 bytes, expected 24.',
    ],
    [
      "negative offsets",
      { a: { ...one(0, 4), data_offsets: [-4, 0] } },
      'x: tensor "a" has data_offsets [-4, 0], expected 0 <= begin <= end.',
    ],
    [
      "reversed offsets",
      { a: { ...one(0, 4), data_offsets: [8, 4] } },
      'x: tensor "a" has data_offsets [8, 4], expected 0 <= begin <= end.',
    ],
    ["overlapping tensors", { a: one(0, 8), b: one(4, 16) }, 'x: tensor "b" overlaps tensor "a" by 4 bytes.'],
    [
      "a hole between tensors",
      { a: one(0, 4), b: one(8, 16) },
      'x: 4 bytes between tensor "a" and tensor "b" belong to no tensor; the format forbids holes.',
    ],
    [
      "a hole behind the header",
      { a: one(4, 16) },
      'x: 4 bytes between the header and tensor "a" belong to no tensor; the format forbids holes.',
    ],
  ];
  for (const [what, header, message] of headers) {
    it(`refuses ${what}`, async () => {
      const folder = temporaryFolder({ x: safetensorsBytes(header, data) });
      await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), `FOLDER/${message}`, folder);
    });
  }

  it("refuses a header that is not UTF-8", async () => {
    const folder = temporaryFolder({ x: Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]) });
    const message = "FOLDER/x: the header is not UTF-8. Is it a safetensors file?";
    await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), message, folder);
  });

  it("refuses a header of more than 100 MB without reading it", async () => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(150_000_000n);
    const folder = temporaryFolder({ x: length });
    truncateSync(path.join(folder, "x"), 200_000_000); // takes no room: all zeros
    const message =
      "FOLDER/x: the header should have 150000000 bytes; the format allows 100000000. Is it a safetensors file?";
    await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), message, folder);
  });

  it("says how much of a truncated file is there", async () => {
    const header = { a: one(0, 8), b: one(8, 16) };
    const folder = temporaryFolder({ x: safetensorsBytes(header, new Uint8Array(13)) });
    const start = 8 + JSON.stringify(header).length;
    const message = `FOLDER/x: the file is truncated: found ${start + 13} bytes, expected ${start + 16}. Download it again.`;
    await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), message, folder);
  });

  it("refuses bytes behind the last tensor", async () => {
    const header = { a: one(0, 8) };
    const folder = temporaryFolder({ x: safetensorsBytes(header, data) });
    const end = 8 + JSON.stringify(header).length + 8;
    const message = `FOLDER/x: 8 bytes after tensor "a" belong to no tensor: found ${end + 8} bytes, expected ${end}.`;
    await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), message, folder);
  });

  it("refuses a missing file and a folder", async () => {
    const folder = temporaryFolder();
    const missing = "FOLDER/x: no such file. Is the download complete?";
    await assertRefused(() => readSafetensorsHeader(path.join(folder, "x")), missing, folder);
    await assertRefused(() => readSafetensorsHeader(folder), "FOLDER: not a file.", folder);
  });
});

/** One tensor with these bytes. */
async function tensorOf(dtype: SafetensorsType, length: number, bytes: ArrayBufferView): Promise<TensorEntry> {
  const file = path.join(temporaryFolder(), "x.safetensors");
  await writeSafetensors(file, [{ name: "a", dtype, shape: [length], read: () => Promise.resolve(bytes) }]);
  const entry = (await readSafetensorsHeader(file)).get("a");
  assert.ok(entry);
  return entry;
}

describe("a tensor's numbers", () => {
  it("are F32 as they lie, NaN payloads included", async () => {
    const bits = Uint32Array.of(0x3f800000, 0x80000000, 0x7f800000, 0x7fc01234, 1);
    const values = await readTensor(await tensorOf("F32", 5, bits));
    assert.deepEqual(new Uint32Array(values.buffer), bits);
  });

  it("are exact for every one of the 65536 F16 values", async () => {
    const halves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
    const values = await readTensor(await tensorOf("F16", 0x10000, halves));
    for (const half of halves)
      assert.ok(Object.is(values[half], float16ByFormula(half)), `float16 ${half}: ${values[half]}`);
  });

  it("are BF16 with sixteen zero bits behind them, subnormals, infinities and NaN included", async () => {
    const halves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
    const values = await readTensor(await tensorOf("BF16", 0x10000, halves));
    const bits = new Uint32Array(values.buffer);
    for (const half of halves) assert.equal(bits[half], half * 0x10000);
    assert.equal(values[0x3f80], 1);
    assert.equal(values[0x0001], 2 ** -133);
    assert.equal(values[0xff80], -Infinity);
    assert.ok(Number.isNaN(values[0x7fc0]));
  });

  it("are the nearest F32 of F64, ties to the even one", async () => {
    const doubles = Float64Array.of(0.1, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 1e300, -0, Number.NaN, 1e-46);
    const values = await readTensor(await tensorOf("F64", doubles.length, doubles));
    assert.deepEqual([...values], [Math.fround(0.1), 1, 1 + 2 ** -22, Infinity, -0, Number.NaN, 0]);
  });

  it("are not read from a file that was cut since its header was read", async () => {
    const file = path.join(
      temporaryFolder({ "x.safetensors": safetensorsBytes({ a: one(0, 400) }, new Uint8Array(400)) }),
      "x.safetensors",
    );
    const entry = (await readSafetensorsHeader(file)).get("a")!;
    truncateSync(file, entry.offset + 100);
    const message = `FILE: ended at byte ${entry.offset + 100} while it was read. Was it changed meanwhile? Start again.`;
    await assertRefused(() => readTensor(entry), message.replace("FILE", file));
  });

  it("are refused for other types", async () => {
    const entry = await tensorOf("I64", 1, BigInt64Array.of(1n));
    await assertRefused(() => readTensor(entry), /: tensor "a" has dtype I64, expected F64, F32, F16, BF16\.$/);
  });
});

/** IEEE 754-2019, section 3.4, as arithmetic. */
function float16ByFormula(half: number): number {
  const sign = half >= 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = (half & 1023) / 1024;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

describe("writing safetensors", () => {
  it("aligns the data, keeps the order, gives the file's SHA-256 and reads again", async () => {
    const file = path.join(temporaryFolder(), "x.safetensors");
    const sha256 = await writeSafetensors(file, [
      { name: "z", dtype: "F32", shape: [2, 1], read: () => Promise.resolve(Float32Array.of(1.5, -2)) },
      { name: "a", dtype: "U8", shape: [3], read: () => Promise.resolve(Uint8Array.of(1, 2, 3)) },
    ]);
    assert.equal(sha256, createHash("sha256").update(readFileSync(file)).digest("hex"));
    const entries = await readSafetensorsHeader(file);
    assert.deepEqual([...entries.keys()], ["z", "a"]);
    const z = entries.get("z");
    assert.ok(z);
    assert.equal(z.offset % 8, 0);
    assert.deepEqual([...(await readTensor(z))], [1.5, -2]);
  });

  it("fails when a tensor gives other bytes than announced, and never overwrites", async () => {
    const file = path.join(temporaryFolder(), "x.safetensors");
    const short = { name: "a", dtype: "F32", shape: [2], read: () => Promise.resolve(Float32Array.of(1)) } as const;
    await assert.rejects(writeSafetensors(file, [short]), /tensor "a" gave 4 bytes, expected 8/);
    await assert.rejects(writeSafetensors(file, []), /EEXIST/);
    await assert.rejects(writeSafetensors(`${file}2`, [short, short]), /two tensors named "a"/);
  });
});
