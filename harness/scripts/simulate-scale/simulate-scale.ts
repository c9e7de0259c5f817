/**
 * `npm run simulate:scale`: how long evaluations take on 1, 16 and 256 machines, from measured figures. Prints
 * docs/scale-figures.md. It is seeded, so every run prints equal numbers.
 */
import { fileURLToPath } from "node:url";
import { median } from "../../statistics/medians.ts";
import { drawKeys, randomIndex, randomShare } from "../../statistics/random.ts";
import { inputs, queue, windowsMs, works } from "./measured-figures.ts";
import type { Work } from "./measured-figures.ts";
import { noDeaths, queueEndS, shardsEndS } from "./spread-run.ts";
import type { Machine } from "./spread-run.ts";

const meanMs = windowsMs.reduce((sum, ms) => sum + ms, 0) / windowsMs.length;

/** Machines of one simulation: the loads are evenly distributed; of every 16th machine windows take `slowness` times as long. */
interface Case {
  readonly machines: number;
  readonly slowness: number;
  readonly isDying: boolean;
}

interface Ends {
  readonly shardsS: number;
  /** null: the work cannot be queued. */
  readonly queueS: number | null;
}

/** Medians of `draws` simulations, merge and score included. */
export function simulate(work: Work, { machines, slowness, isDying }: Case, draws: number): Ends {
  const ends = Array.from({ length: draws }, (_, draw) => {
    const windows = drawnWindows(work, draw);
    const loads = drawKeys(draw, 1);
    const fleet = Array.from({ length: machines }, (__, index): Machine => {
      const [least, most] = work.loadS;
      const loadS = least + (most - least) * randomShare(loads, index);
      const own = index % 16 === 15 ? slowness : 1;
      return { loadS: loadS + work.beforeS * own, slowness: own };
    });
    const deaths = isDying ? { meanS: 86_400, restartS: 60, seed: 1000 + draw } : noDeaths;
    const queueS = work.isQueued ? queueEndS(windows, fleet, queue, deaths) + work.mergeS : NaN;
    return { shardsS: shardsEndS(windows, fleet, deaths) + work.mergeS, queueS };
  });
  const shardsS = median(ends.map((each) => each.shardsS));
  return { shardsS, queueS: work.isQueued ? median(ends.map((each) => each.queueS)) : null };
}

/** Nominal seconds of each window, drawn from the measured ones relative to their mean. */
function drawnWindows({ samples, samplesPerWindow, samplesPerSecond }: Work, draw: number): readonly number[] {
  const keys = drawKeys(draw, 0);
  return Array.from({ length: Math.ceil(samples / samplesPerWindow) }, (_, number) => {
    const size = Math.min(samplesPerWindow, samples - number * samplesPerWindow);
    return (size / samplesPerSecond) * (windowsMs[randomIndex(keys, number, windowsMs.length)]! / meanMs);
  });
}

function report(draws: number): string {
  const variance = windowsMs.reduce((sum, ms) => sum + (ms - meanMs) ** 2, 0) / (windowsMs.length - 1);
  const even = { slowness: 1, isDying: false };
  const table = works.flatMap((work) =>
    [
      { label: "even machines", ...even },
      { label: "one in 16 slow", slowness: 2, isDying: false },
      { label: "one in 16 slow, deaths", slowness: 2, isDying: true },
    ].map(({ label, ...rest }) => {
      const at = (machines: number): Ends => simulate(work, { machines, ...rest }, draws);
      const [one, some, many] = [at(1), at(16), at(256)];
      const cells = [one.shardsS, some.shardsS, some.queueS, many.shardsS, many.queueS].map(duration);
      return `| ${work.name} | ${label} | ${cells.join(" | ")} |`;
    }),
  );
  const [vqa] = works;
  const limits = [1, 16, 64, 256, 1024, 4096].map((machines) => {
    const { samples, samplesPerSecond } = vqa!;
    const ideal = samples / samplesPerSecond / machines;
    const { shardsS, queueS } = simulate(vqa!, { machines, ...even }, draws);
    const used = [shardsS, queueS!].map((seconds) => `${((100 * ideal) / seconds).toFixed(0)} %`);
    return `| ${machines} | ${[ideal, shardsS, queueS].map(duration).join(" | ")} | ${used.join(" | ")} |`;
  });
  return [
    "# How long many machines take",
    "",
    "Made by `npm run simulate:scale`: do not edit. Nobody has run these evaluations on so many machines: the figures of the first table,",
    "most of them measured on two cores of an AMD EPYC (Zen 4), go into a simulation of [shards and the queue](scale-out.md) in virtual",
    `time. A machine is such a pair of cores. Medians of ${draws} simulations.`,
    "",
    "## What goes in",
    "",
    "| input | figure | source |",
    "|:---|:---|:---|",
    ...inputs.map((line) => `| ${line.join(" | ")} |`),
    "",
    `The coefficient of variation of the measured windows is ${(Math.sqrt(variance) / meanMs).toFixed(2)}, the longest takes ` +
      `${(Math.max(...windowsMs) / meanMs).toFixed(2)} times the mean.`,
    "They last 0.08 s, in which what else the machine does counts more than in half a minute. They are the middle one of three runs, whose",
    "coefficients were 0.15, 0.22 and 0.23.",
    "",
    "## What comes out",
    "",
    "Until the scores are there. A slow machine counts from 16 machines on.",
    "",
    "| work | machines | 1 | 16, shards | 16, queue | 256, shards | 256, queue |",
    "|:---|:---|---:|---:|---:|---:|---:|",
    ...table,
    "",
    "VQAv2 val with opt-2.7b on even machines; used: the time that one machine computes, divided among all, of the time it takes.",
    "",
    "| machines | divided evenly | shards | queue | used, shards | used, queue |",
    "|---:|---:|---:|---:|---:|---:|",
    ...limits,
    "",
    "## Where it stops scaling, and why",
    "",
    "- **Stragglers** cost most where shards are fixed: a machine that takes twice as long ends last and doubles the whole. A queue loses about",
    "  a window or two of the slowest machine instead.",
    "- **Windows** are the grain. At the end some machines have one more than others, and each shard has window 0 besides. Once there are few",
    "  windows a machine this is most of the time: captions have 313 windows with opt-2.7b and 157 with base, so 256 machines have one or two",
    "  each, with shards the control window besides, and with base more than a third have none of their own. Smaller batches cut more windows.",
    "- **The queue's second window at hand** waits behind the first while other workers have nothing to do: at the very end a slow worker holds",
    "  it longest, at most two of its windows.",
    "- **Loading the model** is 10 to 14 s on each machine at once, less than half a window of VQA. It counts in runs of minutes only.",
    "- **Deaths**: one costs the window at hand, the restart and a load; in a queue its windows begin elsewhere after 36 s. A run that is short",
    "  beside the time between two deaths hardly notices, one that is on the last window waits for the lock.",
    "- **Redis** takes 1.2 ms a window. A window of VQA lasts 29 s, so that by arithmetic some 24,000 machines of this kind, or 2,400 at the rate of base,",
    "  would keep it busy; 7,146 windows that wait take 6.4 MB.",
    "- **Merge and score** is one process, however many machines there were: seconds after hours, but the largest part that does not shrink.",
    "- **Retrieval** has a part that is not split: every shard embeds all images and texts. With the assumed 2.6 s an image that is 3.7 of",
    "  the 49 hours of one machine, and from some 13 shards on it is more than the matching of a shard. A death is taken to repeat it.",
    "",
    "## What was not measured",
    "",
    "More than one machine, their network, a shared folder and its cache when 256 read one checkpoint at once; Redis with more than three",
    "workers; the embedding rate at ViT-g; how much machines differ and how often they die, which the table assumes; windows of opt-2.7b:",
    "answers of other lengths spread otherwise. The speeds are of random weights, whose texts never end early: real answers are shorter and",
    "real runs faster.",
    "",
  ].join("\n");
}

/** 57 h, 3.6 h, 13 min, 45 s; a dash for null. */
function duration(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds >= 36_000) return `${(seconds / 3600).toFixed(0)} h`;
  if (seconds >= 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return seconds >= 600 ? `${(seconds / 60).toFixed(0)} min` : `${seconds.toFixed(0)} s`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(report(5));
