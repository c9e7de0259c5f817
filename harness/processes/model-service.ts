/** What a process that holds a model serves: loading it, then the methods of a model that generates, or of one that scores. */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import type { RetrievalLoadOptions } from "../../models/load-blip2-retrieval.ts";
import type { ImageFile, ImageTextScorer, WriterFamily, VisionLanguageModel } from "../../models/model.ts";
import type { Words } from "./remote.ts";

/** Where a model is loaded from, and how: values only, for they cross into another process. */
export interface ModelPlace
  extends Omit<LoadOptions, "onPreparation" | "onPlacement">, Pick<RetrievalLoadOptions, "imageTokenShare"> {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
}

/** What a process says of the model that it loaded. */
export type LoadedModel = { readonly name: string; readonly weightsBytes: number | null } & (
  { readonly kind: "generation"; readonly family: WriterFamily } | { readonly kind: "retrieval" }
);

/** What happens while a model is loaded; placements also come later, of graphs that run for the first time. */
export type ModelEvent =
  | { readonly kind: "preparation"; readonly event: PreparationEvent }
  | { readonly kind: "placement"; readonly placement: GraphPlacement };

export interface LoadService {
  load(place: ModelPlace): Promise<LoadedModel>;
}

export type GeneratorService = LoadService & Required<Pick<VisionLanguageModel, "readAhead" | "generate" | "weigh">>;

export type ScorerService = LoadService &
  Required<
    Pick<ImageTextScorer, "embedImages" | "readTexts" | "embedTexts" | "compare" | "match" | "weighTexts" | "forget">
  >;

const loadWords: Words<LoadService> = {
  load: ({ where }) => `the model in ${where}`,
};

export const generatorWords: Words<GeneratorService> = {
  ...loadWords,
  readAhead: ({ path }) => `image ${path}`,
  weigh: (requests) => `candidates of ${requests.length} requests${fromImage(requests.map(({ image }) => image))}`,
  generate: (requests) => `answers to ${requests.length} requests${fromImage(requests.map(({ image }) => image))}`,
};

export const scorerWords: Words<ScorerService> = {
  ...loadWords,
  embedImages: (images) => `vectors of ${images.length} images${fromImage(images)}`,
  readTexts: (texts) => `tokens of ${texts.length} texts`,
  embedTexts: (texts) => `vectors of ${texts.length} texts`,
  compare: (images) => `similarities of ${images.length} images`,
  match: (image, texts) => `matches of image ${image.id} with ${texts.length} texts`,
  weighTexts: (image, texts) => `likelihoods of ${texts.length} texts after image ${image.id}`,
  forget: (images) => `room for ${images.length} images`,
};

/** `, from image 1953 on`, or nothing where there is none. */
export function fromImage([first]: readonly Pick<ImageFile, "id">[]): string {
  return first === undefined ? "" : `, from image ${first.id} on`;
}
