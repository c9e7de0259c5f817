/** A table of texts and how well each fits the image, the best first. */
import type { Matches } from "../wire.ts";
import { create } from "./dom.ts";

export function matchTable({ texts }: Matches): HTMLElement {
  const table = create("table", "matches");
  const head = create("tr");
  for (const title of ["matching", "similarity", "text"]) {
    const cell = create("th", "", title);
    cell.scope = "col";
    head.append(cell);
  }
  const top = create("thead");
  top.append(head);
  const body = create("tbody");
  for (const { text, matching, similarity } of texts.toSorted((a, b) => b.matching - a.matching)) {
    const row = create("tr");
    const share = create("td", "share number", shareText(matching));
    share.style.setProperty("--share", String(matching));
    row.append(share, create("td", "number", similarity.toFixed(3)), create("td", "text", text));
    body.append(row);
  }
  table.append(top, body);
  return table;
}

function shareText(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
