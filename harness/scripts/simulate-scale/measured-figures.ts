/** What the simulation of many machines is fed with: figures, each with where it was measured, or that it is assumed. */

/** One work on one kind of machine: two cores of an AMD EPYC (Zen 4). */
export interface Work {
  readonly name: string;
  readonly samples: number;
  readonly samplesPerWindow: number;
  readonly samplesPerSecond: number;
  /** What each machine does before its first window besides loading the model. */
  readonly beforeS: number;
  readonly loadS: readonly [least: number, most: number];
  /** Merge and score, or score alone behind a queue. */
  readonly mergeS: number;
  /** Rankings are not queued. */
  readonly isQueued: boolean;
}

const load27 = [10, 14] as const;
const loadBase = [0.8, 1.12] as const; // by its bytes: 1.2 of 15 GB
const images = 5000;
const texts = 25_010;
const pairs = 3.84e6;
export const mergeVqaS = 30;
const embeddingS = images * 2.6 + texts * 0.01;

export const works: readonly Work[] = [
  {
    name: "VQAv2 val, opt-2.7b int8",
    samples: 214_354,
    samplesPerWindow: 30,
    samplesPerSecond: 1.04,
    beforeS: 0,
    loadS: load27,
    mergeS: mergeVqaS,
    isQueued: true,
  },
  {
    name: "VQAv2 val, base int8",
    samples: 214_354,
    samplesPerWindow: 30,
    samplesPerSecond: 10.5,
    beforeS: 0,
    loadS: loadBase,
    mergeS: mergeVqaS,
    isQueued: true,
  },
  {
    name: "COCO captions, opt-2.7b int8",
    samples: images,
    samplesPerWindow: 16,
    samplesPerSecond: 0.282,
    beforeS: 0,
    loadS: load27,
    mergeS: 2.5,
    isQueued: true,
  },
  {
    name: "COCO captions, base int8",
    samples: images,
    samplesPerWindow: 32,
    samplesPerSecond: 3.51,
    beforeS: 0,
    loadS: loadBase,
    mergeS: 2.5,
    isQueued: true,
  },
  {
    name: "COCO retrieval, ViT-g fp32, --rerank 128",
    samples: images,
    samplesPerWindow: 8,
    samplesPerSecond: 23.7 / (pairs / images),
    beforeS: embeddingS,
    loadS: load27,
    mergeS: 2.5,
    isQueued: false,
  },
];

export const queue = { jobS: 0.0012, lockS: 36, atHand: 2 };

/** Milliseconds of the 30 full windows of shapes-opt-base on vqav2, fp32, 8 in a batch, 2026-12-01. */
export const windowsMs = [
  95.6, 130.6, 80.8, 74.3, 77.4, 108, 106.5, 99.7, 79.1, 75.5, 80.3, 67.9, 73.9, 85.7, 89.8, 87.8, 61.8, 85.9, 84.9,
  85.9, 77.2, 63, 92.5, 71.8, 56.5, 56, 66.6, 85.7, 73.9, 44,
] as const;

/** Input, figure, source: the first table of the page. */
export const inputs: readonly (readonly [input: string, figure: string, source: string])[] = [
  ["VQA, opt-2.7b int8", "1.04 questions/s", "docs/bench.md, 2026-11-30"],
  ["VQA, base int8", "10.5 questions/s", "docs/bench.md, 2026-11-30"],
  ["captions, opt-2.7b int8", "0.282 images/s", "docs/bench.md, 2026-12-01, one round"],
  ["captions, base int8", "3.51 images/s", "docs/bench.md, 2026-11-30"],
  ["re-ranking, ViT-g fp32", "23.7 pairs/s, of 3.84 million", "docs/bench.md, 2026-12-01, one run"],
  ["embedding of all images and texts, on every shard", "2.6 s an image, 10 ms a text", "assumed: not measured"],
  ["questions a window", "30", "991 bundled questions are 33 windows of whole images, at most 32 each"],
  ["images a window of captions", "16 (opt-2.7b), 32 (base)", "four batches of 4 and of 8, as in docs/bench.md"],
  ["images a window of retrieval", "8", "one batch"],
  ["load to the first word, opt-2.7b int8", "10 to 14 s", "measured 2026-12-01, warm and cold page cache"],
  ["load, base", "0.80 to 1.12 s", "assumed: in proportion to bytes"],
  ["load, retrieval", "10 to 14 s", "assumed: as opt-2.7b"],
  ["time of a window, relative", "30 windows, see the coefficient of variation below", "shapes-opt-base, 2026-12-01"],
  ["Redis, a window", "1.2 ms (0.8 with three workers), 0.9 kB while it waits", "measured 2026-12-01, bullmq"],
  ["a dead worker's windows begin elsewhere after", "36 s", "lock of 30 s, looked after each 5 s"],
  [
    "merge and score, 214,354 predictions",
    `${mergeVqaS} s`,
    "eight shards of a fake model, 2026-12-01, one run on a busy machine; 13 s of CPU",
  ],
  [
    "merge and score, captions and rankings",
    "2.5 s",
    "assumed: their scorers take 1.2 and 1.5 s of CPU (`npm run bench:metrics`)",
  ],
  ["slow machines", "one in 16 takes twice as long", "assumed"],
  ["deaths", "one a machine and day, back after 60 s", "assumed"],
];
