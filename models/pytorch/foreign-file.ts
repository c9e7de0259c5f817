/** Files that people take for what torch.save writes today: each is told by its first bytes, and named with what to do. */
import type { FileHandle } from "node:fs/promises";
import { CheckpointError } from "../model.ts";

const ZIP = Buffer.from([0x50, 0x4b, 0x03, 0x04]);
/** torch before 1.6: a pickle of the number 0x1950a86a20f9469cfc6c (torch/serialization.py, MAGIC_NUMBER). */
const OLD_TORCH = Buffer.from([0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);
/** Where a tar archive says what it is (POSIX.1-1988, ustar). */
const TAR = { at: 257, text: "ustar" };

const SAVE_AGAIN =
  "Save it again, in any newer torch: " +
  'torch.save(torch.load(FILE, map_location="cpu", weights_only=True), NEW_FILE).';

/** Throws a CheckpointError for every file that does not begin as a zip archive. */
export async function refuseForeignFile(file: string, handle: FileHandle): Promise<void> {
  const { bytesRead, buffer } = await handle.read(
    Buffer.alloc(TAR.at + TAR.text.length),
    0,
    TAR.at + TAR.text.length,
    0,
  );
  const start = buffer.subarray(0, bytesRead);
  if (start.subarray(0, ZIP.length).equals(ZIP)) return;
  throw new CheckpointError(`${file}: ${whatItIs(start)}`);
}

function whatItIs(start: Buffer): string {
  const text = start.toString("latin1");
  if (start.length === 0) return "the file is empty. Get it again.";
  if (start.subarray(0, OLD_TORCH.length).equals(OLD_TORCH)) {
    return `written by torch before 1.6, or with _use_new_zipfile_serialization=False. ${SAVE_AGAIN}`;
  }
  if (text.startsWith(TAR.text, TAR.at)) return `a tar archive, as torch wrote before 0.1.10. ${SAVE_AGAIN}`;
  if (start[0] === 0x80) return `a Python pickle that torch.save did not write. ${SAVE_AGAIN}`;
  if (text.startsWith("version https://git-lfs")) return "a pointer of Git LFS. Get the file itself: git lfs pull.";
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(text))
    return "a web page, or a server's error message. Download the file again.";
  if (/^.{8}\{/s.test(text)) return "a safetensors file, which needs no conversion: name the folder that it lies in.";
  return "no file of torch.save, which begins as a zip archive. Is it the right file, and complete?";
}
