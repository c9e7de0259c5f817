/** Copies of a bundled checkpoint with other numbers in some of its tensors. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { projectRoot } from "./project.ts";

const headerSchema = z.record(z.string(), z.object({ data_offsets: z.tuple([z.int(), z.int()]).optional() }));

/** shapes-opt-small, whose tensors are of 32-bit floats, in `folder`; `factors`: by a tensor's name. */
export function scaledCheckpoint(folder: string, factors: Readonly<Record<string, number>>): string {
  const copy = join(folder, "scaled");
  cpSync(join(projectRoot, "models", "bundled", "shapes-opt-small"), copy, { recursive: true });
  const file = join(copy, "model.safetensors");
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = headerSchema.parse(JSON.parse(bytes.subarray(8, start).toString("utf8")));
  for (const [name, factor] of Object.entries(factors)) {
    const offsets = header[name]?.data_offsets;
    assert.ok(offsets, `no tensor ${name}`);
    for (let at = start + offsets[0]; at < start + offsets[1]; at += 4) {
      bytes.writeFloatLE(factor * bytes.readFloatLE(at), at);
    }
  }
  writeFileSync(file, bytes);
  return copy;
}
