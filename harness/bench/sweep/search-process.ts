/** A search in a process of its own: a gallery of texts is read once, then images are ranked against all of it. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { FailedImage, ImageFile } from "../../../models/model.ts";
import type { RankedTexts, RankingOptions } from "../../evaluation/retrieval/rank-texts.ts";
import { ModelProcess } from "../../processes/model-process.ts";
import type { ModelProcessOptions } from "../../processes/model-process.ts";
import { fromImage, scorerWords } from "../../processes/model-service.ts";
import type { LoadService, ModelPlace } from "../../processes/model-service.ts";

export interface SearchService extends LoadService {
  /** Reads and embeds the texts that images are ranked against from now on. */
  readGallery(texts: readonly string[], options: { readonly maxTokens: number }): Promise<void>;
  /** One batch, see rank-texts.ts. */
  rankTexts(images: readonly ImageFile[], ranking: RankingOptions): Promise<readonly (RankedTexts | FailedImage)[]>;
}

const searchEntry = fileURLToPath(new URL(`./blip2-search-process${extname(import.meta.url)}`, import.meta.url));

export class SearchProcess extends ModelProcess<SearchService> {
  /** Throws what loading throws. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<SearchProcess> {
    const words = {
      load: scorerWords.load,
      readGallery: (texts: readonly string[]) => `vectors of ${texts.length} texts`,
      rankTexts: (images: readonly ImageFile[]) => `the texts of ${images.length} images${fromImage(images)}`,
    };
    const started = new SearchProcess(words, { entry: searchEntry, ...options });
    await started.loadBy(started.forward("load"), place);
    return started;
  }
}
