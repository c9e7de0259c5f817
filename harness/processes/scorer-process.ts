/** A model that scores images with texts, in a process of its own: see asked-process.ts. */
import { CheckpointError } from "../../models/model.ts";
import type { FailedImage, ImageEmbedding, ImageFile, ImageTextScorer, Matching } from "../../models/model.ts";
import type { TextTokens } from "../../models/text/text-batches.ts";
import type { RankedTexts, Ranking } from "../evaluation/retrieval/rank-texts.ts";
import { AskedProcess } from "./asked-process.ts";
import type { ModelProcessOptions, Timed } from "./asked-process.ts";
import type { ModelPlace } from "./messages.ts";

export type Rankings = readonly (RankedTexts | FailedImage)[];

interface TextLength {
  readonly maxTokens: number;
}

export class ScorerProcess extends AskedProcess implements ImageTextScorer {
  /** As load. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<ScorerProcess> {
    const started = new ScorerProcess(options);
    const { name, family } = await started.load(place);
    if (family === "itm") return started;
    await started.kill();
    throw new CheckpointError(`${name}: a checkpoint that generates text, which ranks no images.`);
  }

  async embedImages(images: readonly ImageFile[]): Promise<readonly (ImageEmbedding | FailedImage)[]> {
    return (await this.ask({ kind: "embedImages", images })).value;
  }

  async readTexts(texts: readonly string[], { maxTokens }: TextLength): Promise<readonly TextTokens[]> {
    return (await this.ask({ kind: "readTexts", texts, maxTokens })).value;
  }

  async embedTexts(texts: readonly TextTokens[]): Promise<Float32Array> {
    return (await this.ask({ kind: "embedTexts", texts })).value;
  }

  async compare(images: readonly Float32Array[], texts: Float32Array): Promise<Float32Array> {
    return (await this.ask({ kind: "compare", images, texts })).value;
  }

  async match(image: ImageFile, texts: readonly TextTokens[]): Promise<Matching | FailedImage> {
    return (await this.ask({ kind: "match", image, texts })).value;
  }

  forget(images: readonly ImageFile[]): void {
    this.ask({ kind: "forget", images }).catch(() => undefined); // gone, and so is what it kept
  }

  /** The texts that rankTexts ranks from now on. Gives the milliseconds that reading and embedding them took. */
  async readGallery(texts: readonly string[], { maxTokens }: TextLength): Promise<number> {
    const { stamps } = await this.ask({ kind: "readGallery", texts, maxTokens });
    return Number(stamps.finishedNs - stamps.startedNs) / 1e6;
  }

  /** One batch, see rank-texts.ts. */
  rankTexts(images: readonly ImageFile[], ranking: Ranking): Promise<Timed<Rankings>> {
    return this.ask({ kind: "rankTexts", images, ranking });
  }
}
