/** Where the weights of a graph lie. */
import path from "node:path";

/** The deepest folder above all of these; ONNX Runtime takes one folder for all weights of a graph. */
export function commonFolder(folders: readonly string[]): string {
  const [first = process.cwd(), ...rest] = folders;
  return rest.reduce((common, folder) => {
    let above = common;
    while (path.relative(above, folder).startsWith("..")) above = path.dirname(above);
    return above;
  }, first);
}
