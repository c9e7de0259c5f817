/** What the page's script is given: types alone, so that the script needs nothing else. */

export interface PageData {
  readonly runs: readonly {
    readonly id: string;
    readonly name: string;
    readonly checkpoint: string;
    /** RunRecord.identity and the folder, for links to `try`. */
    readonly identity: string;
    readonly folder: string;
  }[];
  readonly groups: readonly {
    readonly id: string;
    readonly title: string;
    /** Whether a score says right or wrong; CIDEr does not. */
    readonly isFraction: boolean;
    /** A score is shown times this, with so many digits behind the point. */
    readonly pointsPerUnit: number;
    readonly digits: number;
    readonly metric: string;
  }[];
  readonly samples: readonly PageSample[];
}

export interface PageSample {
  readonly id: string;
  /** Place in `groups`. */
  readonly group: number;
  readonly image: string;
  /** data: URL; null where there is none. */
  readonly thumbnail: string | null;
  readonly question: string | null;
  readonly references: readonly string[];
  readonly answers: readonly {
    /** Place in `runs`. */
    readonly run: number;
    readonly prompt: string | null;
    readonly text: string;
    readonly score: number | null;
  }[];
}
