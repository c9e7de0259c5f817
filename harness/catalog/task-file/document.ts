/** A task in YAML or JSON: what it says, and where each key of it stands. */
import { isMap, isNode, isScalar } from "yaml";
import type { Document } from "yaml";
import { UsageError } from "../usage-error.ts";
import { parseYaml } from "../yaml-file.ts";
import type { KeyPath, PlaceOf } from "./check-settings.ts";

export interface WrittenTask {
  readonly value: unknown;
  readonly placeOf: PlaceOf;
}

/** Throws a UsageError, with line and column where they are known. */
export async function readDocument(text: string, file: string): Promise<WrittenTask> {
  const { document, at } = await parseYaml(text, file);
  return {
    value: valueOf(document, file),
    placeOf: (path, what = "value") =>
      at((what === "key" ? keyOffset(document, path) : null) ?? offsetOf(document, path)),
  };
}

/** An alias that names nothing, or stands for so much that it fills the memory, is refused. */
function valueOf(document: Document.Parsed, file: string): unknown {
  try {
    return document.toJS();
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause; // yaml's error for aliases
    throw new UsageError(`${file}: ${cause.message}. Write out what each alias (*name) stands for.`, { cause });
  }
}

/** Where a key begins. */
function keyOffset(document: Document.Parsed, path: KeyPath): number | null {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return null;
  const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)));
  return isNode(pair?.key) ? (pair.key.range?.[0] ?? null) : null;
}

/** Where a value begins; of one that is not there, the innermost around it that is. */
function offsetOf(document: Document.Parsed, path: KeyPath): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node.range?.[0] ?? 0;
  }
  return document.contents?.range[0] ?? 0;
}
