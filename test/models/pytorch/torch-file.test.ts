/** Files of PyTorch: read as torch wrote them, by names, views and types; others named, and refused. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { CheckpointError } from "../../../models/model.ts";
import { readTorchFile } from "../../../models/pytorch/torch-file.ts";
import { checkStorage } from "../../../models/pytorch/torch-tensor.ts";
import { rounds } from "../../support/long-form.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";
import { bytesOf, expectedTensors, tensorIn, torchFile, torchFolder } from "../../support/torch-fixtures.ts";
import { zipBytes } from "../../support/zip-archive.ts";

/** Numbers of the float types that the files have. */
function floatsOf(dtype: string, bytes: Buffer): readonly number[] {
  const each = (size: number, read: (at: number) => number): readonly number[] =>
    Array.from({ length: bytes.length / size }, (_, index) => read(index * size));
  switch (dtype) {
    case "F32":
      return each(4, (at) => bytes.readFloatLE(at));
    case "F64":
      return each(8, (at) => bytes.readDoubleLE(at));
    case "I64":
      return each(8, (at) => Number(bytes.readBigInt64LE(at)));
    case "BF16":
      return each(2, (at) => Buffer.from([0, 0, bytes[at]!, bytes[at + 1]!]).readFloatLE());
    case "F16":
      return each(2, (at) => halfAt(bytes.readUInt16LE(at)));
    default:
      throw new Error(`no floats: ${dtype}`);
  }
}

/** IEEE 754 binary16, without infinities. */
function halfAt(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent === 0 ? fraction * 2 ** -14 : (1 + fraction) * 2 ** (exponent - 15);
  return (bits & 0x8000) === 0 ? size : -size;
}

/** Writes a file of torch.save's form around this pickle; gives its path and folder. */
function fileWith(pickle: Buffer, storages: Readonly<Record<string, Buffer>> = {}): { file: string; folder: string } {
  const members = [{ name: "a/data.pkl", bytes: pickle }];
  for (const [key, bytes] of Object.entries(storages)) members.push({ name: `a/data/${key}`, bytes });
  const folder = temporaryFolder({ "a.pth": zipBytes(members) });
  return { file: path.join(folder, "a.pth"), folder };
}

describe("a file of torch.save", () => {
  for (const [file, tensors] of Object.entries(expectedTensors).filter(([name]) => name !== "legacy.pth")) {
    it(`gives the tensors of ${file} as torch has them`, async () => {
      const found = await readTorchFile(torchFile(file));
      for (const [name, { shape, first, sum }] of Object.entries(tensors)) {
        const tensor = found.get(name);
        assert.ok(tensor, name);
        assert.deepEqual(tensor.shape, shape, name);
        const numbers = floatsOf(tensor.dtype, await bytesOf(tensor));
        assert.deepEqual(numbers.slice(0, 3), first, name);
        const total = numbers.reduce((all, number) => all + number, 0);
        assert.ok(Math.abs(total - sum) < 1e-6, `${name}: ${total}, expected ${sum}`); // torch adds in another order
      }
    });
  }

  it("leaves one storage to the tensors that share it", async () => {
    const words = await tensorIn("stage-one.pth", "Qformer.bert.embeddings.word_embeddings.weight");
    const head = await tensorIn("stage-one.pth", "Qformer.cls.predictions.decoder.weight");
    assert.deepEqual({ ...head, name: "" }, { ...words, name: "" });
  });

  it("is found damaged by the checksum of a storage", async () => {
    const bytes = readFileSync(torchFile("stage-one.pth"));
    const { storage } = await tensorIn("stage-one.pth", "query_tokens");
    await checkStorage(storage);
    bytes[storage.offset]! ^= 1;
    const file = path.join(temporaryFolder({ "a.pth": bytes }), "a.pth");
    await assertRefused(
      () => checkStorage({ ...storage, file }),
      /a\.pth: storage \d+ is damaged: its CRC-32 is [0-9a-f]{8}, expected [0-9a-f]{8}\. Get the file again\.$/,
    );
  });

  const foreign: readonly (readonly [string, string | Buffer, RegExp])[] = [
    [
      "a file of torch before 1.6",
      readFileSync(torchFile("legacy.pth")),
      /written by torch before 1\.6, or .*Save it again, in any newer torch: torch\.save\(/,
    ],
    [
      "a tar archive",
      Buffer.concat([Buffer.alloc(257), Buffer.from("ustar\0")]),
      /a tar archive, as torch wrote before 0\.1\.10/,
    ],
    ["another pickle", Buffer.from([0x80, 4, 0x4e, 0x2e]), /a Python pickle that torch\.save did not write/],
    [
      "a pointer of Git LFS",
      "version https://git-lfs.github.com/spec/v1\noid",
      /a pointer of Git LFS\. Get the file itself: git lfs pull\./,
    ],
    ["a web page", "<!DOCTYPE html><title>404</title>", /a web page, or a server's error message/],
    ["a safetensors file", `\u0010\0\0\0\0\0\0\0{"a":1}`, /a safetensors file, which needs no conversion/],
    ["an empty file", "", /the file is empty\. Get it again\./],
    ["any other file", "PNG", /no file of torch\.save, which begins as a zip archive/],
    ["a TorchScript program", readFileSync(torchFile("script.pth")), /a TorchScript program, expected a state dict/],
    [
      "a zip archive of something else",
      zipBytes([{ name: "a/b.txt", bytes: Buffer.from("x") }]),
      /with 0 members data\.pkl, expected one/,
    ],
  ];
  for (const [what, content, message] of foreign) {
    it(`is told from ${what}`, async () => {
      const folder = temporaryFolder({ "a.pth": content });
      await assertRefused(() => readTorchFile(path.join(folder, "a.pth")), message, folder);
    });
  }

  it("is refused where it holds an object of Python, which is named and not looked up", async () => {
    await assertRefused(
      () => readTorchFile(torchFile("module.pth")),
      /module\.pth: data\.pkl cannot be read: at byte \d+ it names the Python object "torch\.nn\.modules\.linear\.Linear", expected nothing but tensors and plain values\. If you trust the file, /,
    );
    const { file } = fileWith(Buffer.from("\u0080\u0002cos\nsystem\n(X\u0004\0\0\0echotR.", "latin1"));
    await assertRefused(() => readTorchFile(file), /names the Python object "os\.system"/);
  });

  const broken: readonly (readonly [string, string, RegExp])[] = [
    ["a later protocol", "\u0080\u0004.", /it has pickle protocol 4, expected 2/],
    ["an instruction that torch does not write", "\u0080\u0002\u0093.", /at byte 2 stands the instruction 0x93/],
    ["an end in the middle", "\u0080\u0002X\u0009\0\0\0ab", /it ends at byte 9, in the middle of a value/],
    ["an empty stack", "\u0080\u0002.", /takes a value that it has not given/],
    ["a value that was not given", "\u0080\u0002h\u0005.", /it repeats value 5, which it has not given/],
    ["a list for a dict", "\u0080\u0002]K\u0001K\u0002s.", /it sets a key of what is no dict/],
    [
      "no state dict",
      "\u0080\u0002K\u0001.",
      /expected a state dict, alone or under the key "model", but there are no tensors by name/,
    ],
    ["a state dict of numbers", "\u0080\u0002}X\u0001\0\0\0aK\u0001s.", /but "a" is no tensor/],
  ];
  for (const [what, pickle, message] of broken) {
    it(`is refused with ${what} in its pickle`, async () => {
      await assertRefused(() => readTorchFile(fileWith(Buffer.from(pickle, "latin1")).file), message);
    });
  }

  it("is refused where a tensor reaches beyond its storage", async () => {
    const bytes = readFileSync(torchFile("views.pth"));
    const at = bytes.indexOf("every_other");
    assert.ok(at > 0);
    const offset = bytes.indexOf(Buffer.from([0x4b, 1]), at); // its storage_offset, BININT1 1
    bytes[offset + 1] = 200;
    const folder = temporaryFolder({ "a.pth": bytes });
    await assertRefused(
      () => readTorchFile(path.join(folder, "a.pth")),
      'FOLDER/a.pth: tensor "every_other" of shape [2, 3] reaches to element 216 of a storage of 24. Get the file again.',
      folder,
    );
  });

  it("is read or refused with a reason, whatever is changed in it", async function () {
    this.timeout(0); // no limit that a loaded machine breaks
    const originals = ["views.pth", "eva.pth", "legacy.pth"].map((name) => readFileSync(path.join(torchFolder, name)));
    let state = 12345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff; // ANSI C's generator: the draws are the same everywhere
      return (state >>> 8) % below;
    };
    let read = 0;
    const mutations = rounds({ short: 600, long: 100_000 });
    const folder = temporaryFolder();
    const file = path.join(folder, "a.pth");
    for (let round = 0; round < mutations; round += 1) {
      const bytes = Buffer.from(originals[round % originals.length]!);
      const pickle = bytes.indexOf("data.pkl");
      for (let change = 0; change <= random(4); change += 1) {
        const within = random(2) === 0 && pickle > 0 ? pickle + random(3000) : random(bytes.length); // half in the pickle
        bytes[within % bytes.length] = random(256);
      }
      const cut = random(10) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
      await writeFile(file, cut);
      try {
        for (const tensor of (await readTorchFile(file)).values()) await bytesOf(tensor);
        read += 1;
      } catch (error) {
        assert.ok(error instanceof CheckpointError, `round ${round}: ${String(error)}`);
      }
    }
    assert.ok(read > 0 && read < mutations, `${read} of ${mutations} were read`);
  });
});
