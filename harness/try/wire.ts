/**
 * The JSON messages between the page and its server. This file has types only, since the two sides are compiled
 * separately.
 */

/** GET /state: what can be asked, and within which limits. */
export interface PageState {
  readonly version: string;
  readonly checkpoints: readonly OfferedCheckpoint[];
  /** In the spelling of --precision; the first is the default. */
  readonly precisions: readonly string[];
  /** Number of bundled pictures: GET /samples/0 and so on. */
  readonly samples: number;
  readonly limits: Limits;
}

export interface OfferedCheckpoint {
  /** Name of the checkpoint; an AnswerRequest uses it, too. */
  readonly name: string;
  /** What it can be asked for. */
  readonly does: readonly WorkKind[];
  /** Where it comes from: `bundled`, or its folder. */
  readonly from: string;
}

export interface Limits {
  readonly uploadBytes: number;
  readonly pixels: number;
}

/** The answer to POST /images, whose body is the bytes of an image file; GET /images/<id> returns them. */
export interface KeptImage {
  /** SHA-256 of the bytes, hexadecimal. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
  /** A remark about the image, such as that only its first frame is used; null: none. */
  readonly note: string | null;
}

/** A question of a conversation and its answer. */
export interface Turn {
  readonly question: string;
  readonly answer: string;
}

export type Work =
  /** `prompt`: words that the caption continues; empty: none. */
  | { readonly kind: "caption"; readonly prompt: string }
  | { readonly kind: "ask"; readonly question: string }
  /** `conversation`: an id that the page chose. */
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
  /** 1 is greedy search. null: the paper's number. */
  readonly beams: number | null;
  readonly maxNewTokens: number | null;
  /** null: text is searched for, not drawn at random. */
  readonly sampling: { readonly temperature: number; readonly topP: number; readonly seed: number } | null;
}

/**
 * The body of POST /answers: questions to checkpoints about one image; the server's queue answers them one after the
 * other.
 */
export interface AnswerRequest {
  /** Id of the browser tab: the queue gives all tabs equal turns. */
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

/** A line of the answer to POST /answers. `lane`: index into `asked`. */
export type AnswerEvent =
  /** `before`: number of answers ahead in the queue. */
  | { readonly kind: "queued"; readonly lane: number; readonly before: number }
  /** `share`: how much of the weights is loaded or converted, 0 to 1; null: not known. */
  | { readonly kind: "loading"; readonly lane: number; readonly share: number | null }
  | { readonly kind: "started"; readonly lane: number }
  /** The whole text so far. */
  | { readonly kind: "text"; readonly lane: number; readonly text: string }
  | { readonly kind: "answer"; readonly lane: number; readonly answer: Answer }
  | { readonly kind: "matches"; readonly lane: number; readonly matches: Matches }
  | { readonly kind: "failed"; readonly lane: number; readonly message: string };

/** Milliseconds by stage. */
export type Stages = Readonly<Record<string, number>>;

export interface Answer {
  readonly text: string;
  readonly tokens: readonly AnswerToken[];
  /** Score of the best beam; null without a beam search. */
  readonly score: number | null;
  readonly stagesMs: Stages;
  /** Milliseconds from the question to the first text. */
  readonly firstTextMs: number | null;
  /** Milliseconds from the question to the end of the answer. */
  readonly wholeMs: number;
  /** A remark about the answer, such as that turns were left out of the prompt; null: none. */
  readonly note: string | null;
}

export interface AnswerToken {
  readonly text: string;
  /** Probability of the token, 0 to 1; null: not known. */
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

/** The answer to GET /runs/<run>/<sample>: a sample of a report; its image was added to the server's images. */
export interface LinkedSample {
  readonly image: KeptImage;
  readonly task: string;
  readonly kind: "caption" | "ask" | "match";
  /** The question; null for tasks without one, such as captions and retrieval. */
  readonly question: string | null;
  readonly texts: readonly string[];
  readonly checkpoint: string;
  readonly precision: string;
}

/** The body of every answer that refuses a request. */
export interface Refusal {
  readonly message: string;
}
