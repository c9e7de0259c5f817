/**
 * Rounding to fp16 on the CPU. ONNX Runtime has few operators for fp16 there: it computes in fp32, takes out every cast to fp16
 * and back, and so nothing is rounded and nothing overflows as it does on a device. What stands here instead is arithmetic in
 * fp32, which it leaves alone. Below 6e-5, where fp16 has fewer digits, numbers keep theirs.
 */
import type { OnnxNode } from "./onnx.ts";

/** What the name of a node begins with that stands for a rounding; devices, which round anyway, take it out. */
export const ROUNDING = "round to fp16: ";

const [float32, float16] = [1, 10]; // TensorProto.DataType
/** Dekker's splitting, 1971: x · s - (x · s - x) keeps 24 - 13 = 11 binary digits of a float32. */
const splitter = 2 ** 13 + 1;
const overflow = 65_520; // half way from the largest number of fp16 to what would be the next: rounds to infinity
const huge = 3e38; // makes whatever overflows infinite, with its sign

/** One of those nodes as arithmetic. */
export function rounding({ name, inputs, outputs }: OnnxNode): readonly OnnxNode[] {
  const part = (suffix: string): string => `${outputs[0]!}.${suffix}`;
  const nodes: OnnxNode[] = [];
  const node = (
    operator: string,
    from: readonly string[],
    to: string,
    attributes: OnnxNode["attributes"] = {},
  ): string => {
    nodes.push({ operator, name: `${name} ${nodes.length}`, inputs: from, outputs: [to], attributes, domain: "" });
    return to;
  };
  const constant = (suffix: string, float: number): string =>
    node("Constant", [], part(suffix), { value_float: { float } });

  const x = node("Cast", inputs, part("x"), { to: float32 });
  const split = node("Mul", [x, constant("splitter", splitter)], part("split"));
  const rounded = node("Sub", [split, node("Sub", [split, x], part("rest"))], part("rounded"));
  const size = node("Abs", [x], part("size"));
  const isOver = node("GreaterOrEqual", [size, constant("overflow", overflow)], part("isOver"));
  const infinite = node("Mul", [x, constant("huge", huge)], part("infinite"));
  const kept = node("Where", [isOver, infinite, rounded], part("kept"));
  node("Cast", [kept], outputs[0]!, { to: float16 });
  return nodes;
}
