/**
 * The task of shapes.yaml in code, with a metric of its own: `blip2-bench run --model shapes-opt-base --tasks shapes.ts`. Needs
 * Node 22.18, 23.6 or later, which take the types away; on older ones it is compiled to JavaScript first.
 */
import { defineTask } from "blip2-bench";
import type { ScoredAnswer } from "blip2-bench";

export default defineTask({
  name: "shapes",
  kind: "vqa",
  data: "shapes.csv",
  images: "../../datasets/bundled/val2014",
  columns: { question: "q", answers: "gt" },
  cluster: "site",
  prompt: {
    opt: ({ question }) => `Question: ${(question ?? "").toLowerCase()} Answer:`,
    t5: "Question: {question} Short answer:",
  },
  decoding: { beams: 3, maxNewTokens: 5 },
  answer: (text) => text.trim().split("\n", 1)[0] ?? "",
  metrics: ["vqa-accuracy", "ANLS", sharedWords],
  published: [
    { checkpoint: "shapes-opt-base", split: "all", metric: "vqa-accuracy", value: 1, source: "our first run" },
  ],
});

/** The share of a reference's words that the answer has, of the reference where it is the highest. */
function sharedWords({ hypothesis, references }: ScoredAnswer): number {
  const said = new Set(hypothesis.toLowerCase().split(" "));
  const shares = references.map((reference) => {
    const words = reference.toLowerCase().split(" ");
    return words.filter((word) => said.has(word)).length / words.length;
  });
  return Math.max(...shares);
}
