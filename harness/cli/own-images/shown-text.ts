/** What --show prints below a text: its tokens with their probabilities, and the time by stage. */
import { likelihoodText } from "../../../reports/tables/numbers.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import type { Shown } from "./how-asked.ts";

const tokenColumns: readonly ColumnOf<Shown["tokens"][number]>[] = [
  right("likely", ({ probability }) => likelihoodText(probability)),
  left("token", ({ text }) => JSON.stringify(text)),
];

const stageColumns: readonly ColumnOf<readonly [stage: string, ms: number]>[] = [
  right("ms", ([, ms]) => ms.toFixed(1)),
  left("stage", ([stage]) => stage),
];

export function shownText({ tokens, latencyMs }: Shown): string {
  // The waiting for an image is left out: with one image that time is in the stages of reading, decoding and resizing
  // already.
  const stages = Object.entries(latencyMs).filter(([stage]) => stage !== "imageWait");
  const times = [...stages, ["all", stages.reduce((sum, [, ms]) => sum + ms, 0)] as const];
  return [tableOf(tokenColumns, tokens), tableOf(stageColumns, times)]
    .map((table) => tableToText(table).replaceAll(/^/gm, "  "))
    .join("\n");
}
