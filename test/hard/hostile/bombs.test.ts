/** Small files that would take much memory, time or stack if what they say were believed. */
import assert from "node:assert/strict";
import { deflateSync } from "node:zlib";
import { isRead } from "../../support/hostile/form.ts";
import type { Form } from "../../support/hostile/form.ts";
import { hostileForms } from "../../support/hostile/forms.ts";
import { rounds } from "../../support/long-form.ts";
import { tarBytes } from "../../support/tar-archive.ts";

const forms = await hostileForms();

function formNamed(name: string): Form {
  const form = forms.find((each) => each.name === name);
  assert.ok(form, name);
  return form;
}

async function assertRefused(name: string, bytes: Uint8Array | string): Promise<void> {
  assert.equal(await isRead(formNamed(name), Buffer.from(bytes)), false, "it is read");
}

/** A header of so many pixels, with the checksums of its chunks. */
function png(width: number, height: number): Buffer {
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8); // 8 bits, colour
  const chunk = (type: string, content: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(content.length);
    return Buffer.concat([length, Buffer.from(type), content, Buffer.alloc(4)]);
  };
  const image = chunk("IDAT", deflateSync(Buffer.alloc(1 << 20)));
  const bytes = Buffer.concat([
    Buffer.from("\u0089PNG\r\n\u001a\n", "latin1"),
    chunk("IHDR", size),
    image,
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return formNamed("png").repair?.(bytes) ?? bytes;
}

/** A tar whose first member says this of its size. */
function tarOfSize(size: Uint8Array): Buffer {
  const bytes = tarBytes([{ name: "a.txt", bytes: Buffer.from("text") }]);
  bytes.set(size, 124);
  return formNamed("tar").repair?.(bytes) ?? bytes;
}

describe("a file that is small and would grow", () => {
  it("is refused where it is a picture of 50,000 × 50,000 pixels", async () => {
    await assertRefused("png", png(50_000, 50_000));
    await assertRefused("png", png(2 ** 31 - 1, 2 ** 31 - 1));
  });

  it("is read or refused where it has 100,000 lists or objects inside each other, whatever its form", async () => {
    for (const form of forms) {
      if (form.text === undefined && !form.name.startsWith("task")) continue;
      for (const [open, close] of [
        ["[", "]"],
        ['{"format":', "}"],
      ] as const) {
        const text = Buffer.from(`${open.repeat(100_000)}1${close.repeat(100_000)}`);
        await isRead(form, form.written?.(text) ?? text).catch((cause: unknown) => {
          throw new Error(`${form.name}: ${open}`, { cause });
        });
      }
    }
  });

  it("is read or refused where it has many keys", async () => {
    const keys = rounds({ short: 20_000, long: 1_000_000 });
    const text = `{${Array.from({ length: keys }, (_, key) => `"${key}":${key}`).join(",")}}`;
    for (const name of ["config-shapes-itm", "vqa-questions", "run-record", "gate-config", "tokenizer-shapes-itm"]) {
      await isRead(formNamed(name), Buffer.from(text));
    }
  });

  it("is refused where it is a header of 2⁶⁰ bytes", async () => {
    const bytes = Buffer.alloc(64);
    bytes.writeBigUInt64LE(1n << 60n);
    await assertRefused("safetensors", bytes);
  });

  it("is refused where a member of a tar has a size below 0, beyond the archive, or beyond what numbers hold", async () => {
    await assertRefused("tar", tarOfSize(Buffer.from("-0000000001\0")));
    await assertRefused("tar", tarOfSize(Buffer.from("77777777777\0")));
    await assertRefused("tar", tarOfSize(Buffer.from([0x80, 0, 0, 0, ...new Uint8Array(8).fill(0xff)])));
    await assertRefused("tar", tarOfSize(new Uint8Array(12).fill(0xff)));
  });

  it("is refused where aliases of YAML stand for aliases, and for nothing", async () => {
    const names = "abcdefghij".split("");
    const lines = names.map((name, index) => {
      const before = names[index - 1];
      return `${name}: &${name} [${Array.from({ length: 9 }, () => (before === undefined ? "x" : `*${before}`)).join(", ")}]`;
    });
    await assertRefused("task-yaml", `${lines.join("\n")}\nkind: vqa\n`);
    await assertRefused("task-yaml", "kind: *nothing\n");
    await assertRefused("run-config", "model: *nothing\n");
    await assertRefused("task-yaml", `kind: ${"- ".repeat(100_000)}x\n`);
    await assertRefused("run-config", `model: ${"[".repeat(100_000)}\n`);
  });

  it("is refused where a column of a baseline unpacks to far more than a column has", async () => {
    const [original] = formNamed("baseline").originals;
    const packed = deflateSync(Buffer.alloc(100e6)).toString("base64");
    const text = Buffer.from(original!)
      .toString("utf8")
      .replace(/"packed": "[^"]*"/, `"packed": "${packed}"`);
    await assertRefused("baseline", text);
  });
});
