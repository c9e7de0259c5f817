/**
 * A floor under masked attention scores, on the CPU. A score that is masked by the lowest float comes out of Softmax as the
 * smallest number there is, which is denormal: many processors take a hundred times as long to compute with one. Raised to 60
 * below its row's largest it comes out as 1e-26, a normal number that is still far too small to change a sum of fp32, so what
 * attention gives stays what it was, bit for bit.
 */
import type { OnnxNode } from "./onnx.ts";

/** What the name of a node begins with that stands for a floor; devices take it out. */
export const SCORE_FLOOR = "floor under scores: ";

/** exp(-60) = 9e-27: below 2 ** -24 of a sum of 1 by 19 digits, above the smallest normal float, 1e-38, by 11. */
const depth = -60;

/** max(scores, the largest of the row - 60) */
export function scoreFloor({ name, inputs, outputs }: OnnxNode): readonly OnnxNode[] {
  const [scores = ""] = inputs;
  const [floored = ""] = outputs;
  const node = (
    operator: string,
    from: readonly string[],
    to: string,
    attributes: OnnxNode["attributes"] = {},
  ): OnnxNode => ({ operator, name: `${name} ${to}`, inputs: from, outputs: [to], attributes, domain: "" });
  const part = (suffix: string): string => `${floored}.${suffix}`;
  return [
    node("Constant", [], part("axis"), { value_ints: [-1] }),
    node("Constant", [], part("depth"), { value_float: { float: depth } }),
    node("ReduceMax", [scores, part("axis")], part("largest"), { keepdims: 1 }),
    node("Add", [part("largest"), part("depth")], part("floor")),
    node("Max", [scores, part("floor")], floored),
  ];
}
