/** The data that the page's script is given. This file has types only, so that the script has nothing to import. */

export interface PageData {
  readonly runs: readonly {
    readonly id: string;
    readonly name: string;
    readonly checkpoint: string;
    /** RunRecord.identity, and the run's folder, for links to `try`. */
    readonly identity: string;
    readonly folder: string;
  }[];
  readonly groups: readonly {
    readonly id: string;
    readonly title: string;
    /** Whether the score is a fraction between wrong (0) and right (1), unlike CIDEr. */
    readonly isFraction: boolean;
    /** Factor by which a score is multiplied for display, and number of decimals. */
    readonly pointsPerUnit: number;
    readonly digits: number;
    readonly metric: string;
  }[];
  readonly samples: readonly PageSample[];
}

export interface PageSample {
  readonly id: string;
  /** Index into `groups`. */
  readonly group: number;
  readonly image: string;
  /** data: URL of the thumbnail; null where there is none. */
  readonly thumbnail: string | null;
  readonly question: string | null;
  readonly references: readonly string[];
  readonly answers: readonly {
    /** Index into `runs`. */
    readonly run: number;
    readonly prompt: string | null;
    readonly text: string;
    readonly score: number | null;
  }[];
}
