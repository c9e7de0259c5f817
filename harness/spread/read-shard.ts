/** A shard of a run, read from its folder. */
import { join } from "node:path";
import { fileChecksum, readChecksums } from "../../reports/records/checksums.ts";
import { readJournalLines } from "../../reports/records/journal.ts";
import type { JournalLine } from "../../reports/records/journal.ts";
import { journalName, readRunRecord, recordName, similaritiesName } from "../../reports/records/run-files.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import { isOwnRecord } from "../../reports/records/run-record.ts";
import type { OwnRecord } from "../../reports/records/run-record.ts";

export interface ShardOnDisk {
  readonly path: string;
  readonly record: OwnRecord;
  /** By sample id. */
  readonly lines: ReadonlyMap<string, JournalLine>;
  /** SHA-256 of the similarities of a retrieval run; null: there are none. */
  readonly similarities: string | null;
  /** Files that are not those that the run wrote, in words. */
  readonly changed: readonly string[];
}

/** Throws a RunFolderError where the folder cannot be read. */
export async function readShard(path: string): Promise<ShardOnDisk> {
  const record = await readRunRecord(path);
  if (!isOwnRecord(record)) {
    throw new RunFolderError(`${path}: is imported from another program's file, so it is no shard of a run.`);
  }
  const lines = await readJournalLines(join(path, journalName));
  const sums = await readChecksums(path);
  const changed: string[] = [];
  for (const name of [recordName, journalName, similaritiesName]) {
    const expected = sums?.get(name);
    const found = expected === undefined ? undefined : await fileChecksum(join(path, name));
    if (found === expected) continue;
    changed.push(`${join(path, name)}: was changed: found SHA-256 ${found ?? "none"}, expected ${expected ?? "none"}`);
  }
  return {
    path,
    record,
    lines: new Map(lines.map((line) => [line.prediction.id, line])),
    similarities: await fileChecksum(join(path, similaritiesName)),
    changed,
  };
}

/** `2-of-16`; of a run that one process asked, its folder. */
export function nameOf({ record, path }: Pick<ShardOnDisk, "record" | "path">): string {
  return record.shard?.name ?? path;
}

/** Shards in the order of their numbers: `2-of-3`, then `10-of-16`. */
export function inShardOrder(shards: readonly ShardOnDisk[]): readonly ShardOnDisk[] {
  const order = new Intl.Collator("en", { numeric: true });
  return shards.toSorted((a, b) => order.compare(nameOf(a), nameOf(b)) || order.compare(a.path, b.path));
}
