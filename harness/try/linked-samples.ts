/**
 * The samples that links in reports point to. A link holds the identity of a run and the id of a sample; the image's
 * path is taken from the run's record and its data set, never from the link.
 */
import { imageBytes } from "../../models/image/image-processor.ts";
import { readRunRecord } from "../../reports/records/run-files.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { findFolders } from "../../reports/records/find-folders.ts";
import { recordedPlace } from "../catalog/find-checkpoint.ts";
import { readShownSamples } from "../catalog/shown-samples.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { KeptImages } from "./kept-images.ts";
import type { Offered } from "./offered-checkpoints.ts";
import type { LinkedSample } from "./wire.ts";
import { recordedPrecision } from "../../reports/records/recorded-precision.ts";

/** Length of the identity prefix by which links name a run. */
const identityLetters = 16;

export interface LinkedSamplesOptions {
  readonly catalog: Catalog;
  /** New folder of the data set's files, where they have been moved; null: the folder in the run's record. */
  readonly data: string | null;
}

/** A linked sample cannot be shown; the message says why. */
export class LinkError extends Error {
  override readonly name = "LinkError";
}

interface LinkedRun {
  readonly record: RunRecord;
  readonly path: string;
}

export class LinkedSamples {
  /** Runs by the beginning of their identity. */
  readonly #runs: ReadonlyMap<string, LinkedRun>;
  readonly #options: LinkedSamplesOptions;

  private constructor(runs: ReadonlyMap<string, LinkedRun>, options: LinkedSamplesOptions) {
    this.#runs = runs;
    this.#options = options;
  }

  /**
   * Reads the runs in or below these folders. Throws a UsageError where there are none, a RunFolderError for a broken
   * one.
   */
  static async of(folders: readonly string[], options: LinkedSamplesOptions): Promise<LinkedSamples> {
    const runs = new Map<string, LinkedRun>();
    for (const { path, kind } of await findFolders(folders)) {
      if (kind === "unknown") {
        throw new UsageError(`--runs: found no run in ${path} or below it, expected folders that \`run\` has written.`);
      }
      if (kind === "bench") continue;
      const record = await readRunRecord(path);
      runs.set(record.identity.slice(0, identityLetters), { record, path });
    }
    return new LinkedSamples(runs, options);
  }

  /** Checkpoint and precision of each run, in the spelling of --model and --precision. */
  get madeWith(): readonly { readonly checkpoint: string; readonly precision: string }[] {
    return [...this.#runs.values()].flatMap(({ record: { checkpoint, config } }) => {
      const place = recordedPlace(checkpoint); // an imported run is of no checkpoint here
      return place === null ? [] : [{ checkpoint: place, precision: recordedPrecision(config) }];
    });
  }

  /** Finds a sample. Throws a LinkError for an unknown run or sample, an ImageError where the image cannot be used. */
  async find(
    { run, sample: id }: { readonly run: string; readonly sample: string },
    { images, offered }: { readonly images: KeptImages; readonly offered: readonly Offered[] },
  ): Promise<LinkedSample> {
    const found = this.#runs.get(run);
    if (found === undefined) {
      throw new LinkError("This server was not started with the run that the link is of.");
    }
    const { byId, problem } = await readShownSamples(found, new Set([id]), this.#options);
    if (problem !== null) throw new LinkError(problem);
    const sample = byId.get(id);
    if (sample === undefined) throw new LinkError(`The run has no sample "${id}".`);
    const { checkpoint, config } = found.record;
    const kind = config.retrieval !== undefined ? "match" : sample.text === null ? "caption" : "ask";
    return {
      image: await images.add(await imageBytes(sample.image), `Sample ${id}`),
      task: config.task,
      kind,
      question: kind === "ask" ? sample.text : null,
      texts: kind === "match" ? sample.references : [],
      checkpoint: nameOf(checkpoint, offered),
      precision: recordedPrecision(config),
    };
  }
}

type RecordedCheckpoint = RunRecord["checkpoint"];

/** The name under which the page offers this checkpoint, if it does. */
function nameOf(checkpoint: RecordedCheckpoint, offered: readonly Offered[]): string {
  const places = [checkpoint.name, recordedPlace(checkpoint) ?? checkpoint.name];
  return offered.find(({ name, where }) => places.includes(name) || places.includes(where))?.name ?? checkpoint.name;
}
