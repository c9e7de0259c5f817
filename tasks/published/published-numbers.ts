/** Every published number, where its split is scored, and what a task file says of them. */
import type { PublishedScore } from "../task.ts";
import { otherReports } from "./other-reports.ts";
import type { PublishedNumber } from "./published-number.ts";
import { table3 } from "./table-3-captions.ts";
import { table2, table4 } from "./tables-2-and-4-vqa.ts";
import { table5, table6 } from "./tables-5-and-6-retrieval.ts";

/** Those of a checkpoint together, of them those of a split, of them those of a metric; the paper's first. */
export const publishedNumbers: readonly PublishedNumber[] = together(
  [...table2, ...table3, ...table4, ...table5, ...table6, ...otherReports],
  [({ model, checkpoint }) => `${checkpoint ?? ""} ${model}`, ({ task, split }) => `${task} ${split}`, nameOf],
);

/** `accuracy`, or with the part of the split it is of: `CIDEr in-domain`. */
export function nameOf({ metric, part }: PublishedNumber): string {
  return part === null ? metric : `${metric} ${part.group}`;
}

/** Puts together what has the same first key, within that the same second, and so on; otherwise the order stays. */
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

/** METEOR 1.5 and SPICE exist in Java only. */
export const metricsNotComputed: readonly string[] = ["METEOR", "SPICE"];

/** What a row of a report has beside it: the paper's numbers of whole splits, of checkpoints and metrics that there are. */
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
  /** Questions, or images, of the official split. */
  readonly samples: number;
  /** false: only an evaluation server can score it. */
  readonly hasAnswers: boolean;
}

/** The splits that checkpoints of the tables are public for. */
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
