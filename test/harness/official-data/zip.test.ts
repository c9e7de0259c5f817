/** Zip archives: read by their directory, members unpacked and checked, and those that lie refused. */
import assert from "node:assert/strict";
import { DatasetError } from "../../../datasets/dataset.ts";
import { readZipDirectory } from "../../../models/pytorch/zip-directory.ts";
import type { ByteSource } from "../../../models/pytorch/zip-directory.ts";
import { membersTogether, readMembers } from "../../../harness/official-data/zip-members.ts";
import { zipBytes } from "../../support/zip-archive.ts";
import type { MemberToPack } from "../../support/zip-archive.ts";

function sourceOf(bytes: Uint8Array): ByteSource & { readonly readBytes: () => number } {
  let read = 0;
  return {
    name: "a.zip",
    refusal: (message) => new DatasetError(message),
    sizeBytes: bytes.length,
    readBytes: () => read,
    read: (begin, end) => {
      read += end - begin;
      return Promise.resolve(bytes.slice(begin, end));
    },
  };
}

async function unpackAll(bytes: Uint8Array): Promise<readonly (readonly [string, string])[]> {
  const source = sourceOf(bytes);
  const unpacked: (readonly [string, string])[] = [];
  for (const run of membersTogether(await readZipDirectory(source))) {
    for (const { member, bytes: content } of await readMembers(source, run)) {
      unpacked.push([member.name, Buffer.from(content).toString("latin1")]);
    }
  }
  return unpacked;
}

async function refusalOf(bytes: Uint8Array): Promise<string> {
  const error = await unpackAll(bytes).then(
    () => assert.fail("nothing was refused"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof DatasetError, String(error));
  return error.message;
}

const text = (name: string, content: string, more: Partial<MemberToPack> = {}): MemberToPack => {
  return { name, bytes: Buffer.from(content), ...more };
};

describe("a zip archive", () => {
  it("gives its members, stored or deflated, with 32 or 64 bits, with a comment or without", async () => {
    const long = "abc".repeat(4000);
    const members = [
      { name: "val2014/", bytes: new Uint8Array(0) },
      text("val2014/a.jpg", "first"),
      text("val2014/b.jpg", long, { isDeflated: true }),
      text("empty.txt", ""),
    ];
    for (const isZip64 of [false, true]) {
      assert.deepEqual(
        await unpackAll(zipBytes(members, { isZip64, comment: isZip64 ? "" : "PK\u0005\u0006 in a comment" })),
        [
          ["val2014/a.jpg", "first"],
          ["val2014/b.jpg", long],
          ["empty.txt", ""],
        ],
      );
    }
  });

  it("is read by its directory and the members that are wanted, those side by side in one read", async () => {
    const members = Array.from({ length: 1000 }, (_, index) => {
      return { name: `val2014/${index}.jpg`, bytes: new Uint8Array(2000).fill(index) };
    });
    const source = sourceOf(zipBytes(members));
    const wanted = (await readZipDirectory(source)).filter((_, index) => index < 50 || index === 700);
    const before = source.readBytes();
    const runs = membersTogether(wanted);
    assert.deepEqual(
      runs.map((run) => run.length),
      [50, 1],
    );
    for (const run of runs) await readMembers(source, run);
    const wantedBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    assert.ok(
      source.readBytes() - before <= wantedBytes * 1.03,
      "headers of 30 bytes and a name beside 2,000 of content",
    );
  });
});

describe("what is said of an archive", () => {
  const damaged = /^a\.zip: the zip archive is damaged: (.*)\. Get it again\.$/;
  const refused = /^a\.zip: member "(.*)" (.*)\. Nothing of the archive is taken\.$/;

  it("that is cut off, anywhere", async () => {
    const bytes = zipBytes([text("a", "one"), text("b", "two", { isDeflated: true })]);
    for (let length = 0; length < bytes.length; length++) {
      assert.match(await refusalOf(bytes.subarray(0, length)), damaged, String(length));
    }
  });

  it("that leads out of its folder, or has no name in it", async () => {
    for (const name of ["../a", "a/../../b", "/etc/passwd", "C:/a", "a\\b"]) {
      assert.match(await refusalOf(zipBytes([text(name, "x")])), refused, name);
    }
    assert.match(
      await refusalOf(zipBytes([text("a", "/etc/passwd", { lie: { externalAttributes: (0xa000 << 16) >>> 0 } })])),
      /is a symbolic link/,
    );
  });

  it("that is encrypted, or compressed by something else", async () => {
    assert.match(await refusalOf(zipBytes([text("a", "x", { lie: { flags: 1 } })])), /is encrypted/);
    assert.match(
      await refusalOf(zipBytes([text("a", "x", { lie: { method: 12 } })])),
      /method 12, expected 0 \(stored\) or 8/,
    );
  });

  it("that lies about sizes: a member unpacks to no more than it says", async () => {
    const zeros = { name: "bomb", bytes: new Uint8Array(50_000_000), isDeflated: true };
    assert.match(
      await refusalOf(zipBytes([{ ...zeros, lie: { sizeBytes: 1000 } }])),
      /bomb unpacks to more than its 1000 bytes/,
    );
    assert.match(
      await refusalOf(zipBytes([{ ...zeros, lie: { sizeBytes: 60_000_000 } }])),
      /has 50000000 bytes, expected 60000000/,
    );
    assert.match(
      await refusalOf(zipBytes([text("a", "abc", { lie: { sizeBytes: 2 } })])),
      /a is stored, but has two sizes/,
    );
    assert.match(
      await refusalOf(zipBytes([{ ...zeros, lie: { sizeBytes: 4_200_000_000 } }])),
      /has 4200000000 bytes, expected at most 4000000000/,
    );
  });

  it("that has other bytes than it says, another member in a place, or one twice", async () => {
    assert.match(await refusalOf(zipBytes([text("a", "x", { lie: { crc32: 5 } })])), /a is not what was packed/);
    assert.match(
      await refusalOf(zipBytes([text("a", "x", { lie: { localName: "b" } })])),
      /another member stands in the place of a/,
    );
    assert.match(await refusalOf(zipBytes([text("a", "x"), text("a", "y")])), /it has a twice/);
  });

  it("whose members reach into each other", async () => {
    const bytes = zipBytes([text("a", "one"), text("b", "two")]);
    const entry = bytes.lastIndexOf(Buffer.from("PK\u0001\u0002", "latin1"));
    bytes.writeUInt32LE(0, entry + 42); // the second is said to begin where the first does
    assert.match(await refusalOf(bytes), damaged);
  });
});
