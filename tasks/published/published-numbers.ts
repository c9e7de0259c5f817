/** All published numbers, the splits that they are about, and the selection that a task file lists. */
import type { PublishedScore } from "../task.ts";
import { otherReports } from "./other-reports.ts";
import type { PublishedNumber } from "./published-number.ts";
import { table3 } from "./table-3-captions.ts";
import { table2, table4 } from "./tables-2-and-4-vqa.ts";
import { table5, table6 } from "./tables-5-and-6-retrieval.ts";

/** All numbers, grouped by checkpoint, then split, then metric; the paper's come first. */
export const publishedNumbers: readonly PublishedNumber[] = together(
  [...table2, ...table3, ...table4, ...table5, ...table6, ...otherReports],
  [({ model, checkpoint }) => `${checkpoint ?? ""} ${model}`, ({ task, split }) => `${task} ${split}`, nameOf],
);

/** The metric's name, and the part of the split if there is one: `accuracy`, `CIDEr in-domain`. */
export function nameOf({ metric, part }: PublishedNumber): string {
  return part === null ? metric : `${metric} ${part.group}`;
}

/** Groups items by the first key, within a group by the second, and so on; otherwise keeps their order. */
function together(
  numbers: readonly PublishedNumber[],
  [keyOf, ...keys]: readonly ((number: PublishedNumber) => string)[],
): readonly PublishedNumber[] {
  if (keyOf === undefined) return numbers;
  const groups = new Map<string, PublishedNumber[]>();
  for (const number of numbers) {
    const group = groups.get(keyOf(number));
    if (group === undefined) groups.set(keyOf(number), [number]);
    else group.push(number);
  }
  return [...groups.values()].flatMap((group) => together(group, keys));
}

/** Metrics that are not computed here: METEOR 1.5 and SPICE exist in Java only. */
export const metricsNotComputed: readonly string[] = ["METEOR", "SPICE"];

/**
 * The published scores that reports show beside rows: the paper's numbers on whole splits, for released checkpoints and
 * computed metrics.
 */
export function publishedFor(task: string): readonly PublishedScore[] {
  return publishedNumbers.flatMap(({ checkpoint, ...number }) => {
    const isOfTask = number.task === task && number.origin === "paper" && number.part === null;
    if (checkpoint === null || !isOfTask || metricsNotComputed.includes(number.metric)) return [];
    const { split, metric, value, source } = number;
    return [{ checkpoint, split, metric, value, source }];
  });
}

export interface PublishedSplit {
  readonly task: string;
  readonly split: string;
  /** Number of questions or images of the official split. */
  readonly samples: number;
  /** Whether answers are public; false: only an evaluation server can score the split. */
  readonly hasAnswers: boolean;
}

/** The splits of published numbers of released checkpoints. */
export const publishedSplits: readonly PublishedSplit[] = [
  { task: "vqav2", split: "val", samples: 214_354, hasAnswers: true },
  { task: "vqav2", split: "test-dev", samples: 107_394, hasAnswers: false },
  { task: "ok-vqa", split: "val", samples: 5_046, hasAnswers: true },
  { task: "gqa", split: "testdev", samples: 12_578, hasAnswers: true },
  { task: "coco-caption", split: "test", samples: 5_000, hasAnswers: true },
  { task: "nocaps", split: "val", samples: 4_500, hasAnswers: true },
  { task: "flickr30k-retrieval", split: "test", samples: 1_000, hasAnswers: true },
  { task: "coco-retrieval", split: "test", samples: 5_000, hasAnswers: true },
];
