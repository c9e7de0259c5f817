/** What was published: the paper's tables and other reports, as numbers, and what is known of how far ours may differ. */
import assert from "node:assert/strict";
import { cocoCaption } from "../../tasks/coco-caption.ts";
import { cocoRetrieval } from "../../tasks/coco-retrieval.ts";
import { flickr30kRetrieval } from "../../tasks/flickr30k-retrieval.ts";
import { gqa } from "../../tasks/gqa.ts";
import { nocaps } from "../../tasks/nocaps.ts";
import { okVqa } from "../../tasks/ok-vqa.ts";
import { knownReasons, toleranceOf } from "../../tasks/published/known-differences.ts";
import { fromPrinted, transcribe } from "../../tasks/published/published-number.ts";
import type { PublishedNumber } from "../../tasks/published/published-number.ts";
import { publishedFor, publishedNumbers, publishedSplits } from "../../tasks/published/published-numbers.ts";
import { vqav2 } from "../../tasks/vqav2.ts";

const tasks = [vqav2, okVqa, gqa, cocoCaption, nocaps, flickr30kRetrieval, cocoRetrieval];

function find(checkpoint: string, task: string, metric: string, origin = "paper"): PublishedNumber {
  const found = publishedNumbers.find(
    (number) =>
      number.checkpoint === checkpoint &&
      number.task === task &&
      number.metric === metric &&
      number.part === null &&
      number.origin === origin,
  );
  return found ?? assert.fail(`${checkpoint} ${task} ${metric}`);
}

describe("published numbers", () => {
  it("are as metrics have them: the printed number with its point moved, exactly", () => {
    assert.deepEqual(fromPrinted(54.3, "accuracy"), { value: 0.543, unit: "fraction" });
    assert.deepEqual(fromPrinted(100, "TR@5"), { value: 1, unit: "fraction" });
    assert.deepEqual(fromPrinted(51.88, "accuracy-lavis"), { value: 0.5188, unit: "fraction" });
    assert.deepEqual(fromPrinted(145.8, "CIDEr"), { value: 1.458, unit: "cider" });
    for (const { value, unit, source, metric } of publishedNumbers) {
      const most = unit === "cider" ? 2 : 1;
      assert.ok(value > 0.1 && value <= most, `${source} ${metric}: ${value}`);
    }
  });

  it("are those of the paper's tables", () => {
    const fromPaper = publishedNumbers.filter(({ origin }) => origin === "paper");
    const counts = new Map<string, number>();
    for (const { source } of fromPaper) counts.set(source, (counts.get(source) ?? 0) + 1);
    assert.deepEqual(Object.fromEntries(counts), {
      "paper, table 2": 24,
      "paper, table 3": 30,
      "paper, table 4": 6,
      "paper, table 5": 24,
      "paper, table 6": 2,
    });
    assert.equal(find("blip2-opt-2.7b", "vqav2", "accuracy").value, 0.535);
    assert.equal(find("blip2-flan-t5-xl", "gqa", "accuracy").value, 0.442);
    assert.equal(find("blip2-opt-6.7b-coco", "nocaps", "CIDEr").value, 1.21);
    assert.equal(find("blip2-flan-t5-xl-coco", "coco-caption", "BLEU-4").value, 0.424);
    assert.equal(find("blip2-itm-vit-g-coco", "flickr30k-retrieval", "IR@10").value, 0.989);
  });

  it("say of checkpoints that are not public why", () => {
    const closed = publishedNumbers.filter(({ checkpoint }) => checkpoint === null);
    assert.equal(closed.length, 4 + 6 + 12 + 2);
    for (const { remark } of closed) assert.match(remark ?? "", /not public/);
  });

  it("stand once each, those of a checkpoint, split and metric together", () => {
    const key = ({ checkpoint, model, task, split, metric, part, source }: PublishedNumber): string =>
      [checkpoint ?? model, task, split, metric, part?.group, source].join("|");
    assert.equal(new Set(publishedNumbers.map(key)).size, publishedNumbers.length);
    const runs = publishedNumbers
      .map(({ checkpoint, model }) => `${checkpoint ?? ""} ${model}`)
      .filter((name, index, names) => name !== names[index - 1]);
    assert.equal(new Set(runs).size, runs.length);
  });

  it("are where task files have them from, on splits and of metrics that the tasks have", () => {
    for (const task of tasks) {
      assert.deepEqual(task.published, publishedFor(task.name));
      assert.ok(task.published.length > 0, task.name);
      for (const { split, metric } of task.published) {
        assert.ok(task.dataset.splits.includes(split), `${task.name} ${split}`);
        if (task.kind === "generation") assert.ok(task.metrics.some(({ name }) => name === metric));
        assert.ok(publishedSplits.some((one) => one.task === task.name && one.split === split));
      }
    }
    for (const { checkpoint, task, split } of publishedNumbers) {
      if (checkpoint === null) continue;
      const found = tasks.find(({ name }) => name === task) ?? assert.fail(task);
      assert.ok(found.dataset.splits.includes(split), `${task} ${split}`);
    }
  });

  it("are refused where a row has not a number for each column", () => {
    const columns = [{ task: "vqav2", split: "val", metric: "accuracy" }];
    assert.throws(
      () => transcribe({ source: "table 9", columns, rows: [{ model: "M", checkpoint: null, printed: [1, 2] }] }),
      new RangeError("table 9, M: 2 numbers, expected 1"),
    );
  });
});

describe("known differences", () => {
  it("have tolerances in the unit of the number, none for parts of a split", () => {
    assert.equal(toleranceOf(find("blip2-opt-2.7b", "vqav2", "accuracy")), 0.006);
    assert.equal(toleranceOf(find("blip2-opt-2.7b", "gqa", "accuracy")), 0.006);
    assert.equal(toleranceOf(find("blip2-flan-t5-xl", "ok-vqa", "accuracy")), 0.006);
    assert.equal(toleranceOf(find("blip2-opt-2.7b-coco", "coco-caption", "CIDEr")), 0.01);
    assert.equal(toleranceOf(find("blip2-opt-2.7b-coco", "coco-caption", "BLEU-4")), 0.006);
    assert.equal(toleranceOf(find("blip2-opt-2.7b-coco", "nocaps", "CIDEr")), null);
    assert.equal(toleranceOf(find("blip2-itm-vit-g-coco", "coco-retrieval", "IR@1")), 0.005);
    assert.equal(toleranceOf(find("blip2-itm-vit-g-coco", "coco-retrieval", "IR@5")), null);
    const part = publishedNumbers.find((number) => number.part?.group === "yes/no") ?? assert.fail();
    assert.equal(toleranceOf(part), null);
  });

  it("name what is particular to a number first, and to every number that precision differs", () => {
    const [first, second, ...rest] = knownReasons(find("blip2-opt-2.7b", "vqav2", "accuracy"));
    assert.match(first ?? "", /51\.88 on val/);
    assert.match(second ?? "", /length penalty of -1 counted OPT's prompt/);
    assert.equal(rest.length, 2);
    for (const number of publishedNumbers) assert.match(knownReasons(number).at(-1) ?? "", /half precision/);
    assert.equal(knownReasons(find("blip2-itm-vit-g-coco", "coco-retrieval", "TR@1")).length, 1);
  });
});
