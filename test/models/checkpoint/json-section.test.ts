/** JSON files of a checkpoint: which bytes are text. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJsonFile } from "../../../models/checkpoint/json-section.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const text = '{ "name": "café" }';

function fileOf(bytes: Buffer): string {
  const file = join(temporaryFolder(), "config.json");
  writeFileSync(file, bytes);
  return file;
}

describe("a JSON file of a checkpoint", () => {
  it("is read as UTF-8, a byte order mark taken off", async () => {
    for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`)]) {
      assert.deepEqual((await readJsonFile(fileOf(bytes)))?.value, { name: "café" });
    }
  });

  it("in another encoding is refused, not read with other letters", async () => {
    for (const bytes of [Buffer.from(text, "latin1"), Buffer.from(`\uFEFF${text}`, "utf16le")]) {
      const file = fileOf(bytes);
      const message = `${file}: not in UTF-8. Save it as UTF-8, or get it again.`;
      await assert.rejects(readJsonFile(file), { name: "CheckpointError", message });
    }
  });

  it("is none where it is missing, and refused where it cannot be read", async () => {
    const folder = temporaryFolder();
    assert.equal(await readJsonFile(join(folder, "config.json")), null);
    mkdirSync(join(folder, "config.json"));
    const message = `${join(folder, "config.json")}: cannot be read (EISDIR).`;
    await assert.rejects(readJsonFile(join(folder, "config.json")), { name: "CheckpointError", message });
  });
});
