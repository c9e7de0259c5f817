/** The samples of a report: their filters and order, and where the page's script puts cards, table and one sample whole. */
import type { GalleryGroup, Report } from "../report/report-data.ts";
import { grouped } from "../tables/numbers.ts";
import { markup } from "../markup.ts";
import type { Markup } from "../markup.ts";

export function gallerySection({ runs, gallery }: Report): Markup | null {
  if (gallery.samples.length === 0) return null;
  const checkpoints = [...new Set(runs.map(({ record }) => record.checkpoint.name))];
  const option = (value: string, label: string): Markup => markup`<option value="${value}">${label}</option>`;
  return markup`<section id="gallery">
    <h2>Samples</h2>
    <ul class="notes">
      ${gallery.groups.map((group) => markup`<li>${groupLine(group, gallery.seed)}</li>`)}
    </ul>
    <form id="filters" class="filters" aria-label="Which samples to show">
      <label
        >Task
        <select id="filter-task">
          ${option("", "all")}${gallery.groups.map(({ task, split }, index) => option(String(index), `${task} ${split}`))}
        </select></label
      >
      <label
        >Checkpoint
        <select id="filter-checkpoint">
          ${option("", "all")}${checkpoints.map((name) => option(name, name))}
        </select></label
      >
      <label
        >Answer
        <select id="filter-verdict">
          ${option("", "all")}${option("right", "right")}${option("partly", "partly right")}${option("wrong", "wrong")}${option("failed", "failed")}
        </select></label
      >
      <label
        >Runs
        <select id="filter-runs">
          ${option("", "all")}${option("differ", "answers differ")}${option("agree", "answers agree")}
        </select></label
      >
      <label id="filter-column-label" hidden
        >Column
        <select id="filter-column">
          ${option("", "all")}
        </select></label
      >
      <label
        >Sort by
        <select id="sort-by">
          ${option("", "order of the data set")}
        </select></label
      >
      <label
        >Order
        <select id="sort-order">
          ${option("ascending", "lowest first")}${option("descending", "highest first")}
        </select></label
      >
      <label
        >Show as
        <select id="view">
          ${option("cards", "cards")}${option("table", "table")}
        </select></label
      >
      <label class="search"
        >Search <input id="filter-search" type="search" placeholder="question, answer, image" autocomplete="off"
      /></label>
    </form>
    <p id="gallery-count" class="quiet" role="status"></p>
    <div id="cards" class="cards"></div>
    <div id="sample-table" class="table" tabindex="0" role="region" aria-label="Samples" hidden></div>
    <p class="more"><button id="more" type="button" hidden>Show more</button></p>
    <dialog id="opened" aria-labelledby="opened-title"></dialog>
    <noscript><p class="quiet">The samples are shown by this page's script, which is switched off here.</p></noscript>
  </section>`;
}

function groupLine({ task, split, shown, of, differing, metric, notes }: GalleryGroup, seed: number): string {
  const all = grouped(of);
  const parts = [shown < of ? `${shown} of ${all} samples, drawn at random with seed ${seed}` : `all ${all} samples`];
  if (differing !== null) {
    parts.push(`runs differ on ${grouped(differing)}, which are drawn more often`);
  }
  if (metric !== null) parts.push(`scored by ${metric.name}`);
  return `${task} ${split}: ${parts.join("; ")}.${notes.length > 0 ? ` ${notes.join(" ")}` : ""}`;
}
