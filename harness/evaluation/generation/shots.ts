/**
 * Which samples a prompt shows before its own question: drawn for each sample by the seed and its id, so that they are the same for every
 * model and precision, for a part of the samples, and in whatever order samples are asked. None is about the image that is asked about.
 */
import { createHash } from "node:crypto";
import type { Sample } from "../../../datasets/dataset.ts";
import type { DecodingOptions, WriterFamily } from "../../../models/model.ts";
import type { RunPlan } from "../../../reports/records/run-record.ts";
import { captioning } from "../../../tasks/own-image.ts";
import { shotAnswer } from "../../../tasks/shots.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { drawKeys, randomIndex } from "../../statistics/random.ts";
import type { Overrides } from "../run-config.ts";

export interface Shot<S> {
  readonly sample: S;
  readonly answer: string;
}

/** How shots are drawn. */
export interface Shots<S> {
  /** Of a sample, in the order in which its prompt shows them. */
  readonly of: (sample: Pick<Sample, "id" | "image">) => readonly Shot<S>[];
  /** How captions of their images are made, which stand before them; null: none do. */
  readonly captions: DecodingOptions | null;
}

export interface OpenedShots<S> {
  readonly shots: Shots<S>;
  /** What a run's plan says of where they are drawn from. */
  readonly record: NonNullable<RunPlan["config"]["shots"]>;
}

export interface ShotsOf<S extends Sample> {
  readonly family: WriterFamily;
  /** Those that are asked. */
  readonly samples: readonly S[];
  /** Opens the split that shots are drawn from. */
  readonly open: () => Promise<OpenedSplit<S>>;
}

/** Those that flags ask for; null: none. Throws a UsageError where the split has too few. */
export async function openShots<S extends Sample>(
  { shots: count = 0, shotsSeed: seed = 0, shotsCaptioned }: Overrides,
  { family, samples, open }: ShotsOf<S>,
): Promise<OpenedShots<S> | null> {
  if (count === 0) return null;
  const { split, data } = await open();
  const pool = split.samples.flatMap((sample): readonly Shot<S>[] => {
    const answer = shotAnswer(sample);
    return answer === null || sample.fault !== undefined ? [] : [{ sample, answer }];
  });
  checkPool(pool, count, { samples, where: `${data.dataset} ${split.name}` });
  const files = Object.fromEntries(data.files.map(({ name, sha256 }) => [name, sha256]));
  return {
    shots: {
      of: (sample) => drawShots(pool, sample, { count, seed }),
      captions: shotsCaptioned === true ? captioning.decoding(family, "paper") : null,
    },
    record: { split: split.name, samples: pool.length, files },
  };
}

function checkPool<S extends Sample>(
  pool: readonly Shot<S>[],
  count: number,
  { samples, where }: { readonly samples: readonly S[]; readonly where: string },
): void {
  const byImage = new Map<string, number>();
  for (const { sample } of pool) byImage.set(sample.image.id, (byImage.get(sample.image.id) ?? 0) + 1);
  for (const { id, image } of samples) {
    const others = pool.length - (byImage.get(image.id) ?? 0);
    if (others >= count) continue;
    const about = others === pool.length ? "" : ` about other images than that of sample ${id}`;
    throw new UsageError(
      `--shots ${count}: ${where} has ${others} samples with an answer${about}. ` +
        "Give fewer shots, or another split with --shots-from.",
    );
  }
}

/** `pool`: at least `count` of it are about other images than the sample's. */
function drawShots<S extends Sample>(
  pool: readonly Shot<S>[],
  { id, image }: Pick<Sample, "id" | "image">,
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly Shot<S>[] {
  const keys = drawKeys(seed, createHash("sha256").update(id).digest().readUInt32LE(0));
  const drawn = new Set<Shot<S>>();
  for (let index = 0; drawn.size < count; index += 1) {
    const shot = pool[randomIndex(keys, index, pool.length)]!;
    if (shot.sample.image.id !== image.id) drawn.add(shot);
  }
  return [...drawn];
}
