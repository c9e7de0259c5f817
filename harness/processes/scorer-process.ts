/** A model that scores images with texts, in a process of its own. */
import { CheckpointError } from "../../models/model.ts";
import type {
  FailedImage,
  ImageEmbedding,
  ImageFile,
  ImageTextScorer,
  Likelihoods,
  Matching,
} from "../../models/model.ts";
import type { TextTokens } from "../../models/text/text-batches.ts";
import { imagesToSend, imageToSend } from "./image-to-send.ts";
import { ModelProcess } from "./model-process.ts";
import type { ModelProcessOptions } from "./model-process.ts";
import { scorerWords } from "./model-service.ts";
import type { ModelPlace, ScorerService } from "./model-service.ts";

export class ScorerProcess extends ModelProcess<ScorerService> implements ImageTextScorer {
  readonly kind = "retrieval";
  readonly embedTexts = this.forward("embedTexts");
  readonly compare = this.forward("compare");

  /** Throws what loading throws, and a CheckpointError for a checkpoint that generates text. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<ScorerProcess> {
    const started = new ScorerProcess(scorerWords, options);
    const { name, kind } = await started.loadBy(started.forward("load"), place);
    if (kind === "retrieval") return started;
    await started.kill();
    throw new CheckpointError(`${name}: a checkpoint that generates text, which ranks no images.`);
  }

  async embedImages(images: readonly ImageFile[]): Promise<readonly (ImageEmbedding | FailedImage)[]> {
    const sent = imagesToSend(images).then((sent): [readonly ImageFile[]] => [sent]);
    return (await this.callWhenMade("embedImages", sent)).value;
  }

  async match(image: ImageFile, texts: readonly TextTokens[]): Promise<Matching | FailedImage> {
    const sent = imageToSend(image).then((sent): [ImageFile, readonly TextTokens[]] => [sent, texts]);
    return (await this.callWhenMade("match", sent)).value;
  }

  async weighTexts(image: ImageFile, texts: readonly TextTokens[]): Promise<Likelihoods | FailedImage> {
    const sent = imageToSend(image).then((sent): [ImageFile, readonly TextTokens[]] => [sent, texts]);
    return (await this.callWhenMade("weighTexts", sent)).value;
  }

  /** Passes on maxTokens alone: `options` may be a whole protocol, whose functions cannot cross to another process. */
  async readTexts(
    texts: readonly string[],
    { maxTokens }: { readonly maxTokens: number },
  ): Promise<readonly TextTokens[]> {
    return (await this.call("readTexts", [texts, { maxTokens }])).value;
  }

  forget(images: readonly ImageFile[]): void {
    this.call("forget", [images.map(({ id, path }) => ({ id, path }))]).catch(() => undefined); // the process is gone, and what it kept is, too
  }
}
