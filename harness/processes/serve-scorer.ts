/** What the process of an ImageTextScorer does with each call, see serve-model.ts. */
import type { ImageTextScorer } from "../../models/model.ts";
import { rankTexts, readGallery } from "../evaluation/retrieval/rank-texts.ts";
import type { TextGallery } from "../evaluation/retrieval/rank-texts.ts";
import type { AnyResult, ScorerWork } from "./messages.ts";

/** `scorer`: null as long as none is loaded. */
export function scorerSide(scorer: () => ImageTextScorer | null): (work: ScorerWork) => Promise<AnyResult> {
  let gallery: TextGallery | null = null;
  return async (work) => {
    const loaded = scorer();
    if (loaded === null) throw new Error("asked to score before a model that does was loaded");
    switch (work.kind) {
      case "embedImages":
        return await loaded.embedImages(work.images);
      case "readTexts":
        return await loaded.readTexts(work.texts, work);
      case "embedTexts":
        return await loaded.embedTexts(work.texts);
      case "compare":
        return await loaded.compare(work.images, work.texts);
      case "match":
        return await loaded.match(work.image, work.texts);
      case "forget":
        loaded.forget?.(work.images);
        return null;
      case "readGallery":
        gallery = await readGallery(loaded, work.texts, work);
        return null;
      case "rankTexts": {
        if (gallery === null) throw new Error("asked to rank before there was a gallery");
        return await rankTexts(loaded, gallery, { ...work.ranking, images: work.images });
      }
    }
  };
}
