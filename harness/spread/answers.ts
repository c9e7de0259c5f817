/** Which answer to each sample is kept where several shards have one, and whether the others agree with it. */
import type { JournalLine } from "../../reports/records/journal.ts";
import type { OwnRecord } from "../../reports/records/run-record.ts";
import { nameOf } from "./read-shard.ts";
import type { ShardOnDisk } from "./read-shard.ts";

export interface KeptAnswer {
  readonly shard: ShardOnDisk;
  readonly line: JournalLine;
}

/** Two answers to one sample that are not equal. */
export interface Disagreement {
  readonly id: string;
  readonly kept: KeptAnswer;
  readonly other: KeptAnswer;
}

export interface KeptAnswers {
  /** By sample id. */
  readonly kept: ReadonlyMap<string, KeptAnswer>;
  /** Answers besides those that are kept. */
  readonly duplicates: number;
  readonly disagreements: readonly Disagreement[];
}

/** The first shard's answer is kept; an answer comes before a failure, and a failure contradicts nothing. */
export function keepAnswers(shards: readonly ShardOnDisk[]): KeptAnswers {
  const kept = new Map<string, KeptAnswer>();
  const disagreements: Disagreement[] = [];
  let duplicates = 0;
  for (const shard of shards) {
    for (const [id, line] of shard.lines) {
      const before = kept.get(id);
      if (before !== undefined) duplicates += 1;
      if (before === undefined || (hasFailed(before) && !hasFailed({ line }))) kept.set(id, { shard, line });
    }
  }
  for (const shard of shards) {
    for (const [id, line] of shard.lines) {
      const first = kept.get(id)!;
      if (first.line === line || hasFailed({ line }) || answerText(first.line) === answerText(line)) continue;
      disagreements.push({ id, kept: first, other: { shard, line } });
    }
  }
  return { kept, duplicates, disagreements };
}

function hasFailed({ line }: Pick<KeptAnswer, "line">): boolean {
  return line.prediction.status === "failed";
}

/** All of an answer but how long it took. */
function answerText({ prediction }: JournalLine): string {
  return JSON.stringify({ ...prediction, latencyMs: undefined });
}

/** How the machine of a shard rounds; `not recorded` for runs of older versions. */
export function roundingOfShard({ record }: Pick<ShardOnDisk, "record">): string {
  return record.processor.rounding ?? "not recorded";
}

/** Whether two answers come from machines that round differently, so that they need not be equal. */
export function isExcused({ kept, other }: Disagreement): boolean {
  return roundingOfShard(kept.shard) !== roundingOfShard(other.shard);
}

const shownDisagreements = 3;
const shownCharacters = 300;

/** Lines for a message: the first few, both answers with their shards and processors. */
export function describeDisagreements(disagreements: readonly Disagreement[]): readonly string[] {
  const lines = disagreements.slice(0, shownDisagreements).map(({ id, kept, other }) => {
    const found = [kept, other].map(({ shard, line }) => {
      const text = answerText(line);
      const shown = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
      return `${nameOf(shard)} (${describeProcessor(shard.record)}) has ${shown}`;
    });
    return `sample ${id}: two answers: ${found.join("; ")}`;
  });
  const more = disagreements.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more samples with two answers`];
}

export function describeProcessor({ processor }: Pick<OwnRecord, "processor">): string {
  return `${processor.model}, rounding ${processor.rounding ?? "not recorded"}`;
}
