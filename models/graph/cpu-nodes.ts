/**
 * What a graph is told on the CPU alone. A node that stands for it is an Identity with a name that says so, which devices take
 * out; here others take its place: rounding to fp16 (half-rounding.ts), and a floor under attention scores (score-floor.ts).
 */
import { rounding, ROUNDING } from "./half-rounding.ts";
import type { OnnxAttribute, OnnxNode } from "./onnx.ts";
import { SCORE_FLOOR, scoreFloor } from "./score-floor.ts";

/** The nodes with each of those as it is computed, also in graphs inside of nodes. */
export function nodesOnCpu(nodes: readonly OnnxNode[]): readonly OnnxNode[] {
  return nodes.flatMap((node) => {
    if (node.name.startsWith(ROUNDING)) return rounding(node);
    if (node.name.startsWith(SCORE_FLOOR)) return scoreFloor(node);
    return { ...node, attributes: inside(node.attributes) };
  });
}

function inside(attributes: OnnxNode["attributes"]): OnnxNode["attributes"] {
  const own = (attribute: OnnxAttribute): OnnxAttribute => {
    if (typeof attribute !== "object" || !("graph" in attribute)) return attribute;
    return { graph: { ...attribute.graph, nodes: nodesOnCpu(attribute.graph.nodes) } };
  };
  return Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, own(attribute)]));
}
