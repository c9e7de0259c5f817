/**
 * Where the loop that generates runs: in JavaScript, a graph a step (generate.ts), or inside one graph (graph-generation.ts).
 * Both choose the same tokens.
 */
import type { Precision } from "../checkpoint/precision.ts";
import { cpuDevice, keepsOnDevice } from "../device/device.ts";
import type { Device } from "../device/device.ts";

export const generationWays = ["auto", "graph", "stepwise"] as const;
export type GenerationWay = (typeof generationWays)[number];

/**
 * `auto` is what is faster there. On the CPU that is the loop in JavaScript: a finished text leaves its batch at once, while
 * the graph computes on for all until the last is done. So it is where keys and values stay on the device (WebGPU). On the
 * others they would have to come out at every step, whatever the size of the batch: there the loop is in the graph.
 */
export function isInGraph(way: GenerationWay, device: Device = cpuDevice): boolean {
  return way === "graph" || (way === "auto" && device.provider !== "cpu" && !keepsOnDevice(device));
}

/**
 * Whether the way can change an answer. Under int8, what a matrix is multiplied with is rounded by a scale of all rows at
 * once, and the two ways differ in which rows those are.
 */
export function doesWayMatter(way: GenerationWay, { language, head }: Precision, device = cpuDevice): boolean {
  return isInGraph(way, device) && (language === "int8" || head === "int8");
}
