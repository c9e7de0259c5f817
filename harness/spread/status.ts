/** How far the shards of a run are, from their folders alone; they may still be written to. */
import type { RunRecord } from "../../reports/records/run-record.ts";
import { inShardOrder, nameOf, readShard } from "./read-shard.ts";

export interface ShardStatus {
  readonly shard: string;
  readonly checkpoint: string;
  readonly task: string;
  readonly status: RunRecord["status"];
  readonly answered: number;
  readonly failed: number;
  /** Samples of the shard, those of its control window included. */
  readonly samples: number;
  readonly processor: string;
  readonly rounding: string | null;
}

/** Throws a RunFolderError where a folder cannot be read. */
export async function shardStatus(folders: readonly string[]): Promise<readonly ShardStatus[]> {
  const shards = inShardOrder(await Promise.all(folders.map(readShard)));
  return shards.map((shard) => {
    const { checkpoint, config, status, counts, processor } = shard.record;
    const predictions = [...shard.lines.values()].map(({ prediction }) => prediction);
    return {
      shard: nameOf(shard),
      checkpoint: checkpoint.name,
      task: config.task,
      status,
      answered: predictions.length,
      failed: predictions.filter((prediction) => prediction.status === "failed").length,
      samples: counts.samples,
      processor: processor.model,
      rounding: processor.rounding ?? null,
    };
  });
}
