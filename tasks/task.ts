/**
 * The types that every task file is written in: how a paper asks a model and scores its answers. A task is a list of
 * choices, each of which can change the score; nothing is inherited or has a default elsewhere.
 */
import type { Dataset, RetrievalSample, Sample } from "../datasets/dataset.ts";
import type { DecodingOptions, LanguageModelFamily, WriterFamily } from "../models/model.ts";
import type { MetricUnit } from "../reports/records/metric-unit.ts";

/** `paper`: as the paper describes it. `lavis`: as the authors' released code and configs do it today. */
export type ProtocolName = "paper" | "lavis";

/** The prompt for a sample, by language model; null: the model is given the image without text. */
export interface PromptTemplates<S extends Sample> {
  opt(sample: S): string | null;
  t5(sample: S): string | null;
  /** Of the Q-Former itself; unset: it cannot be asked this. */
  itg?(sample: S): string | null;
}

/** How samples become prompts and text becomes answers, for both language models, and where it can for the Q-Former itself. */
export interface GenerationProtocol<S extends Sample> {
  readonly prompt: PromptTemplates<S>;
  readonly decoding: Readonly<Record<LanguageModelFamily, DecodingOptions> & Partial<Record<"itg", DecodingOptions>>>;
  /** Longer prompts lose their end. Counts text tokens and the beginning-of-sequence token; unset: no limit. */
  readonly maxPromptTokens?: Readonly<Partial<Record<WriterFamily, number>>>;
  /** Turns generated text into the answer that is scored. */
  readonly answer: (text: string) => string;
}

/** Where the data of a user's task is, if a command does not say. */
export interface TaskData {
  /** Absolute, or the name of a mirror: see DataSource. */
  readonly data?: string;
  readonly images?: string;
  readonly split?: string;
  /** Columns by role, of data of one's own. */
  readonly columns?: Readonly<Record<string, string>>;
}

/** The file that a user wrote a task in. A task of the project has none. */
export interface TaskFile {
  /** Absolute. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** How a protocol asks what writes; null: it does not ask that family. */
export function askedOf<S extends Sample>(
  { prompt, decoding }: Pick<GenerationProtocol<S>, "prompt" | "decoding">,
  family: WriterFamily,
): { readonly prompt: (sample: S) => string | null; readonly decoding: DecodingOptions } | null {
  const options = decoding[family];
  if (options === undefined || prompt[family] === undefined) return null;
  return { prompt: (sample) => prompt[family]?.(sample) ?? null, decoding: options };
}

export interface GenerationTask<S extends Sample> {
  readonly kind: "generation";
  readonly name: string;
  readonly dataset: Dataset<S>;
  readonly protocols: Readonly<Record<ProtocolName, GenerationProtocol<S>>>;
  /** The metrics; the first is the main one. */
  readonly metrics: readonly Metric<S>[];
  /** Throws an error where the samples that are asked lack what the choices above need; unset: they need nothing more. */
  checkSamples?(samples: readonly S[]): void;
  /** Name of the column that standard errors group samples by; unset: samples of one image are a group. */
  readonly cluster?: string;
  readonly data?: TaskData;
  readonly file?: TaskFile;
  readonly published: readonly PublishedScore[];
}

/** What is scored: an answer beside the sample it answers. */
export interface Hypothesis<S extends Sample> {
  readonly sample: S;
  readonly answer: string;
  /** What standard errors group it by; unset: its image. */
  readonly cluster?: string;
  /** How likely the model found the answers that it chose this one from; unset: the answer was generated. */
  readonly candidates?: readonly WeighedChoice[];
}

/** A candidate for an answer, and how likely it is. */
export interface WeighedChoice {
  /** Place in the list of candidates, from 0. */
  readonly index: number;
  readonly text: string;
  /** Natural logarithm, the sum over its tokens. */
  readonly logProbability: number;
  /** How many they are. */
  readonly tokens: number;
}

export interface Metric<S extends Sample> {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly higherIsBetter: boolean;
  /** Whether a run has anything that it scores; where not, the run has no row of it. Unset: it has. */
  appliesTo?(hypotheses: readonly Hypothesis<S>[], split: readonly S[]): boolean;
  /** A pure function of the hypotheses of a run and all samples of its split. */
  score(hypotheses: readonly Hypothesis<S>[], split: readonly S[]): Score;
  /** Why a hypothesis cannot be scored, so that no metric of the run scores it; null: it can. Unset: each can. */
  faultOf?(hypothesis: Hypothesis<S>): string | null;
  /**
   * How `score` comes to the score of the hypothesis at `place`, step by step, as a person would check it; unset: the metric
   * cannot say. A pure function of what `score` is given.
   */
  explain?(place: number, hypotheses: readonly Hypothesis<S>[], split: readonly S[]): Working;
}

/** A score worked out. */
export interface Working {
  /** As in `Score.bySample`, to the digit; null: the sample has no score of its own. */
  readonly score: number | null;
  /** In the order in which they are computed: what is looked at, and what comes of it. */
  readonly steps: readonly WorkingStep[];
}

export interface WorkingStep {
  readonly what: string;
  readonly result: string;
}

export interface Score {
  /** null: there was nothing to score, as on a split whose answers are private. */
  readonly value: number | null;
  /**
   * Standard error clustered by image, or by what hypotheses name (Miller 2024, arXiv 2411.00640); null where the metric
   * has none or there is only one cluster.
   */
  readonly standardError: number | null;
  /** The score of each hypothesis, in their order, if the score is a mean over samples. */
  readonly bySample?: readonly number[];
  /** For a score that is not a mean: the counts by sample, by name, from whose sums the score is computed. */
  readonly countsBySample?: Readonly<Record<string, readonly number[]>>;
  /** For example answerType → { "yes/no": …, number: … }. */
  readonly breakdown?: Readonly<Record<string, Readonly<Record<string, { value: number; samples: number }>>>>;
}

export interface PublishedScore {
  readonly checkpoint: string;
  readonly split: string;
  readonly metric: string;
  readonly value: number;
  readonly source: string;
}

/** Texts are ranked for each image and images for each text. */
export interface RetrievalTask {
  readonly kind: "retrieval";
  readonly name: string;
  readonly dataset: Dataset<RetrievalSample>;
  readonly protocols: Readonly<Record<ProtocolName, RetrievalProtocol>>;
  /** The metrics; the first, from images to texts, is the main one. */
  readonly metrics: readonly RetrievalMetric[];
  readonly cluster?: string;
  readonly data?: TaskData;
  readonly file?: TaskFile;
  readonly published: readonly PublishedScore[];
}

/**
 * What ranks are scored by, from images to texts and from texts to images: the recall at a number of candidates, or the mean
 * reciprocal rank. `mean recall` is one number of both directions, over the recalls at 1, 5 and 10 (LAVIS's r_mean).
 */
export type RetrievalMetric = `recall@${number}` | "MRR" | "mean recall";

export interface RetrievalProtocol {
  /** How a caption becomes the text that is ranked. */
  readonly text: (caption: string) => string;
  /** Text tokens, [CLS] and [SEP] included; longer texts are cut. */
  readonly maxTokens: number;
  /** Number of the best candidates of each row that the ITM head scores for re-ranking. */
  readonly rerank: number;
}

/**
 * Any task of the catalogue. Templates and metrics are methods, so that TypeScript accepts a task of VqaSample as a
 * task of Sample.
 */
export type Task = GenerationTask<Sample> | RetrievalTask;
