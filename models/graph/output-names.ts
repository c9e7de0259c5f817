/**
 * A graph's outputs under their names: a copy under another name costs as much time as a step over the vocabulary spends on
 * ranking it.
 */
import type { OnnxAttribute, OnnxNode } from "./onnx.ts";

/**
 * The nodes without those of `naming`, which do no more than give a value the name of an output: the node that makes the value
 * calls it by that name instead. What no node makes, and a second name for a value, still need one.
 */
export function withoutNaming(nodes: readonly OnnxNode[], naming: ReadonlySet<OnnxNode>): readonly OnnxNode[] {
  if (nodes.some(({ attributes }) => Object.values(attributes).some(isGraph))) return nodes; // it sees our values
  const made = new Set(nodes.flatMap((node) => (naming.has(node) ? [] : node.outputs)));
  const names = new Map<string, string>();
  const kept = nodes.filter((node) => {
    const [value = "", name = ""] = [...node.inputs.slice(0, 1), ...node.outputs];
    if (!naming.has(node) || !made.has(value) || names.has(value)) return true;
    names.set(value, name);
    return false;
  });
  const renamed = (values: readonly string[]): string[] => values.map((value) => names.get(value) ?? value);
  return kept.map((node) => ({ ...node, inputs: renamed(node.inputs), outputs: renamed(node.outputs) }));
}

function isGraph(attribute: OnnxAttribute): boolean {
  return typeof attribute === "object" && "graph" in attribute;
}
