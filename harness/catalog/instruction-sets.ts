/** The instruction sets of this processor that matrix products are made with: they decide how sums are rounded. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Vector and matrix units of x86 and of Arm, as Linux spells them. */
const vectorUnits = /^(?:avx\w*|amx_\w+|fma|f16c|sse4_[12]|asimd\w*|sve\w*|sme(?!p)\w*|i8mm|bf16)$/;

/** Sorted; empty where the system does not tell. `root`: where the system tells of itself; tests have another. */
export async function instructionSets(root = "/"): Promise<readonly string[]> {
  const text = await readFile(join(root, "proc/cpuinfo"), "utf8").catch(() => ""); // no Linux
  const [, flags = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(text) ?? [];
  return flags
    .split(" ")
    .filter((flag) => vectorUnits.test(flag))
    .toSorted();
}
