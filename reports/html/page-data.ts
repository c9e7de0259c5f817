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
  /** Each image once. `thumbnail`: data: URL; null where there is none. */
  readonly images: readonly { readonly name: string; readonly thumbnail: string | null }[];
  /** What answers say of themselves line by line, each distinct part once, since many answers are equal. */
  readonly parts: readonly PagePart[];
  readonly samples: readonly PageSample[];
}

export interface PagePart {
  readonly title: string;
  readonly lines: readonly (readonly [name: string, text: string])[];
}

export interface PageSample {
  readonly id: string;
  /** Index into `groups`. */
  readonly group: number;
  /** Index into `images`. */
  readonly image: number;
  readonly question: string | null;
  readonly references: readonly string[];
  /** Further columns of the data set, such as `answerType`. */
  readonly columns: Readonly<Record<string, string | number>>;
  readonly answers: readonly PageAnswer[];
}

export interface PageAnswer {
  /** Index into `runs`. */
  readonly run: number;
  readonly prompt: string | null;
  readonly text: string;
  readonly isFailed: boolean;
  readonly score: number | null;
  /** Milliseconds of all stages that the sample waited for; null: not recorded. */
  readonly latencyMs: number | null;
  /** Log-probability of the text, penalties applied; null: not known. */
  readonly modelScore: number | null;
  /** Indices into `parts`: prediction, tokens, each score worked out, times. */
  readonly parts: readonly number[];
}
