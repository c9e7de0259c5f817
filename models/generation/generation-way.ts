/**
 * Where the loop that generates runs: in JavaScript, a graph a step (generate.ts), or inside one graph (graph-generation.ts).
 * Both choose the same tokens.
 */
import type { Precision } from "../checkpoint/precision.ts";

export const generationWays = ["auto", "graph", "stepwise"] as const;
export type GenerationWay = (typeof generationWays)[number];

/**
 * `auto` is what is faster here. On the CPU that is the loop in JavaScript: a finished text leaves its batch at once, while
 * the graph computes on for all until the last is done. On a GPU, keys and values would have to come out at every step.
 */
export function isInGraph(way: GenerationWay): boolean {
  return way === "graph";
}

/**
 * Whether the way can change an answer. Under int8, what a matrix is multiplied with is rounded by a scale of all rows at
 * once, and the two ways differ in which rows those are.
 */
export function doesWayMatter(way: GenerationWay, { language, head }: Precision): boolean {
  return isInGraph(way) && (language === "int8" || head === "int8");
}
