/** README.md of a conversion: what it was made of, by which hashes, what was left out and why. */
import type { LeftOut } from "./choose-tensors.ts";

export interface ModelCard {
  readonly title: string;
  readonly version: string;
  /** By label, the SHA-256 of a file, or a checkpoint's fingerprint. */
  readonly sources: readonly (readonly [label: string, digest: string])[];
  readonly tensors: number;
  readonly leftOut: readonly LeftOut[];
  /** By file name. */
  readonly shards: ReadonlyMap<string, string>;
  /** What its users should know. */
  readonly notes: readonly string[];
}

export function modelCard({ title, version, sources, tensors, leftOut, shards, notes }: ModelCard): string {
  const byReason = new Map<string, string[]>();
  for (const { name, from, reason } of leftOut) {
    const key = `${reason} (${from})`;
    byReason.set(key, [...(byReason.get(key) ?? []), name]);
  }
  const lines = [
    `# ${title}`,
    "",
    `Converted by blip2-bench ${version}: ${tensors} tensors, number for number as their sources have them.`,
    "",
    ...notes.flatMap((note) => [note, ""]),
    "## Sources",
    "",
    ...sources.map(([label, digest]) => `- ${label}: SHA-256 ${digest}`),
    "",
    "## Files",
    "",
    ...[...shards].map(([name, digest]) => `- ${name}: SHA-256 ${digest}`),
    "",
    "## Left out",
    "",
    ...(byReason.size === 0 ? ["Nothing."] : []),
    ...[...byReason].map(([reason, names]) => `- ${reason}: ${someOf(names)}`),
    "",
  ];
  return lines.join("\n");
}

function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
