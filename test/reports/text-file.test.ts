/** Text files of users: UTF-8 with or without a mark, and other encodings by their names. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeText, readTextFile, TextFileError } from "../../reports/records/text-file.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

function refused(bytes: Uint8Array, message: RegExp): void {
  assert.throws(() => decodeText(bytes, "questions.txt"), { name: "TextFileError", message });
}

describe("a text file", () => {
  const text = "Is it red?\r\nWas ist größer? 哪个?\n";

  it("is its text, line ends as they are, without a byte order mark", async () => {
    const folder = temporaryFolder({ plain: text, marked: `\uFEFF${text}`, empty: "", mark: "\uFEFF" });
    for (const name of ["plain", "marked"]) assert.equal(await readTextFile(join(folder, name)), text);
    for (const name of ["empty", "mark"]) assert.equal(await readTextFile(join(folder, name)), "");
    await assert.rejects(readTextFile(join(folder, "none")), { code: "ENOENT" });
  });

  it("keeps a mark that is not at its start", () => {
    assert.equal(decodeText(Buffer.from("a\uFEFFb"), "a"), "a\uFEFFb");
  });

  it("is refused in UTF-16 and UTF-32, with and without a mark", () => {
    const little = Buffer.from(text, "utf16le");
    const big = Buffer.from(little).swap16();
    refused(
      Buffer.from(`\uFEFF${text}`, "utf16le"),
      /^questions\.txt: found UTF-16, expected UTF-8\. Save it as UTF-8\.$/,
    );
    refused(Buffer.concat([Buffer.of(0xfe, 0xff), big]), /found UTF-16, expected UTF-8/);
    refused(little, /found UTF-16 or UTF-32, expected UTF-8/);
    refused(big, /found UTF-16 or UTF-32, expected UTF-8/);
    const wide = Buffer.from(new Uint32Array(Buffer.from("Is it red?", "latin1")).buffer);
    refused(Buffer.concat([Buffer.of(0xff, 0xfe, 0, 0), wide]), /found UTF-32, expected UTF-8/);
    refused(wide, /found UTF-16 or UTF-32, expected UTF-8/);
    refused(Buffer.from("a long line of words\0 and more of them"), /found a zero byte at 20, expected UTF-8/);
  });

  it("is refused where a byte is no UTF-8: with its line and place", () => {
    refused(
      Buffer.from("rot\nblau\ngr\xfcn\n", "latin1"),
      /^questions\.txt, line 3: found the byte 0xfc at 11, which is no UTF-8\. Save the file as UTF-8 \(Windows-1252/,
    );
    refused(Buffer.of(0x61, 0xe2, 0x82), /line 1: found half a character at the end, which is no UTF-8/);
    assert.ok(new TextFileError("a") instanceof Error);
  });
});
