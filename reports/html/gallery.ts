/** The gallery of samples: its filters, and the data from which the page's script makes cards. */
import type { GalleryGroup, Report } from "../report/report-data.ts";
import { metricUnits } from "../records/metric-unit.ts";
import { runNames } from "../report/run-names.ts";
import { grouped } from "../tables/numbers.ts";
import { markup } from "../markup.ts";
import type { Markup } from "../markup.ts";
import type { PageData } from "./page-data.ts";

/** data: URLs of thumbnails, by "group image name". */
export type Thumbnails = ReadonlyMap<string, string>;

export function thumbnailKey(group: string, image: string): string {
  return `${group} ${image}`;
}

export function pageDataOf({ runs, gallery }: Report, thumbnails: Thumbnails): PageData {
  const names = runNames(runs);
  const placeOfRun = new Map(runs.map(({ id }, index) => [id, index]));
  const placeOfGroup = new Map(gallery.groups.map(({ id }, index) => [id, index]));
  return {
    runs: runs.map(({ id, folder, record: { checkpoint, identity } }) => {
      return { id, name: names.get(id) ?? id, checkpoint: checkpoint.name, identity, folder };
    }),
    groups: gallery.groups.map(({ id, task, split, metric }) => ({
      id,
      title: `${task} ${split}`,
      isFraction: metric !== null && metricUnits[metric.unit].highest === 1,
      pointsPerUnit: metric === null ? 1 : metricUnits[metric.unit].pointsPerUnit,
      digits: metric === null ? 0 : metricUnits[metric.unit].sampleDigits,
      metric: metric?.name ?? "",
    })),
    samples: gallery.samples.map(({ id, group, image, question, references, answers }) => ({
      id,
      group: placeOfGroup.get(group) ?? 0,
      image,
      thumbnail: thumbnails.get(thumbnailKey(group, image)) ?? null,
      question,
      references,
      answers: answers.map(({ run, prompt, text, score }) => ({ run: placeOfRun.get(run) ?? 0, prompt, text, score })),
    })),
  };
}

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
          ${option("", "all")}${option("right", "right")}${option("partly", "partly right")}${option("wrong", "wrong")}
        </select></label
      >
      <label
        >Runs
        <select id="filter-runs">
          ${option("", "all")}${option("differ", "answers differ")}${option("agree", "answers agree")}
        </select></label
      >
      <label class="search"
        >Search <input id="filter-search" type="search" placeholder="question, answer, image" autocomplete="off"
      /></label>
    </form>
    <p id="gallery-count" class="quiet" role="status"></p>
    <div id="cards" class="cards"></div>
    <p class="more"><button id="more" type="button" hidden>Show more</button></p>
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
