/** What the page and its server tell each other, as JSON. Types alone, since both sides are compiled apart. */

/** GET /state: what can be asked, and within which limits. */
export interface PageState {
  readonly version: string;
  readonly checkpoints: readonly OfferedCheckpoint[];
  /** As --precision spells them; the first is the usual one. */
  readonly precisions: readonly string[];
  /** Pictures that come with the program: GET /samples/0 and so on. */
  readonly samples: number;
  readonly limits: Limits;
}

export interface OfferedCheckpoint {
  /** Also its name in an AnswerRequest. */
  readonly name: string;
  readonly kind: "generation" | "retrieval";
  /** Such as `bundled`, or the folder. */
  readonly from: string;
}

export interface Limits {
  readonly uploadBytes: number;
  readonly pixels: number;
}

/** POST /images, with the bytes as they are; GET /images/<id> gives them back. */
export interface KeptImage {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  /** What should be known of it, such as that only its first frame is looked at; null: nothing. */
  readonly note: string | null;
}

/** One after the other, the oldest first. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

export type Work =
  /** `prompt`: words the caption goes on with; empty: none. */
  | { readonly kind: "caption"; readonly prompt: string }
  | { readonly kind: "ask"; readonly question: string }
  /** `conversation`: whatever tells it from the others of this page. */
  | {
      readonly kind: "chat";
      readonly conversation: string;
      readonly turns: readonly Turn[];
      readonly question: string;
    }
  | { readonly kind: "match"; readonly texts: readonly string[] };

export type WorkKind = Work["kind"];

/** How text is made. */
export interface Decoding {
  /** 1 is greedy. null: as the paper does. */
  readonly beams: number | null;
  readonly maxNewTokens: number | null;
  /** null: nothing is drawn. */
  readonly sampling: { readonly temperature: number; readonly topP: number; readonly seed: number } | null;
}

/** POST /answers: what checkpoints are asked about one image, one after the other as the queue has it. */
export interface AnswerRequest {
  /** The tab: the queue is fair among these. */
  readonly client: string;
  readonly image: string;
  readonly asked: readonly Asked[];
  readonly decoding: Decoding;
}

export interface Asked {
  readonly checkpoint: string;
  readonly precision: string;
  readonly work: Work;
}

/** A line of the answer to POST /answers. `lane`: place in `asked`. */
export type AnswerEvent =
  /** `before`: so many answers come first. */
  | { readonly kind: "queued"; readonly lane: number; readonly before: number }
  /** `share`: of the weights that are being made ready, 0 to 1; null: not known. */
  | { readonly kind: "loading"; readonly lane: number; readonly share: number | null }
  | { readonly kind: "started"; readonly lane: number }
  /** All that is there so far. */
  | { readonly kind: "text"; readonly lane: number; readonly text: string }
  | { readonly kind: "answer"; readonly lane: number; readonly answer: Answer }
  | { readonly kind: "matches"; readonly lane: number; readonly matches: Matches }
  | { readonly kind: "failed"; readonly lane: number; readonly message: string };

/** Milliseconds by stage. */
export type Stages = Readonly<Record<string, number>>;

export interface Answer {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  /** Of the search; null where there was none. */
  readonly score: number | null;
  readonly stagesMs: Stages;
  /** From the question to the first words. */
  readonly firstTextMs: number | null;
  /** From the question to the end. */
  readonly wholeMs: number;
  /** What should be known of it, such as turns that were left out; null: nothing. */
  readonly note: string | null;
}

export interface AnswerToken {
  readonly text: string;
  /** 0 to 1; null: not known. */
  readonly probability: number | null;
}

export interface Matches {
  readonly texts: readonly TextMatch[];
  readonly stagesMs: Stages;
  readonly wholeMs: number;
}

export interface TextMatch {
  readonly text: string;
  /** Probability of the matching head, 0 to 1. */
  readonly matching: number;
  /** Cosine, -1 to 1. */
  readonly similarity: number;
}

/** GET /runs/<run>/<sample>: a sample of a report, with its image among the kept ones. */
export interface LinkedSample {
  readonly image: KeptImage;
  readonly task: string;
  readonly kind: "caption" | "ask" | "match";
  /** What was asked; null: nothing, or the texts alone. */
  readonly question: string | null;
  readonly texts: readonly string[];
  readonly checkpoint: string;
  readonly precision: string;
}

/** Of whatever is refused. */
export interface Refusal {
  readonly message: string;
}
