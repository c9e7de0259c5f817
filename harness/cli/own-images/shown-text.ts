/** What --show adds to a text, for people: its tokens, how likely the model found each, and the time by stage. */
import { formatColumns } from "../../../reports/tables/table.ts";
import type { Shown } from "./how-asked.ts";

export function shownText({ tokens, latencyMs }: Shown): string {
  const shares = tokens.map(({ text, probability }) => [
    probability > 0 && probability < 0.001 ? "< 0.1 %" : `${(probability * 100).toFixed(1)} %`,
    JSON.stringify(text),
  ]);
  // While the model waits for an image, it is read, decoded and resized: that time is in those stages.
  const stages = Object.entries(latencyMs).filter(([stage]) => stage !== "imageWait");
  const times = [...stages, ["all", stages.reduce((sum, [, ms]) => sum + ms, 0)] as const];
  return [
    indented(formatColumns(["likely", "token"], shares, ["right", "left"])),
    indented(
      formatColumns(
        ["ms", "stage"],
        times.map(([stage, ms]) => [ms.toFixed(1), stage]),
        ["right", "left"],
      ),
    ),
  ].join("\n");
}

function indented(lines: string): string {
  return lines.replaceAll(/^/gm, "  ");
}
