/** The process of a BLIP-2 that texts and images are searched with. */
import type { ImageTextScorer } from "../../../models/model.ts";
import { readGallery, rankTexts } from "../../evaluation/retrieval/rank-texts.ts";
import type { TextGallery } from "../../evaluation/retrieval/rank-texts.ts";
import { HeldModel } from "../../processes/held-model.ts";
import { loadBlip2Model } from "../../processes/load-blip2-model.ts";
import type { ModelEvent } from "../../processes/model-service.ts";
import { serve } from "../../processes/serve.ts";
import type { SearchService } from "./search-process.ts";

const held = new HeldModel(loadBlip2Model);
let gallery: TextGallery | null = null;

function scorer(): ImageTextScorer {
  if (held.scorer === null) throw new Error("asked to search before a model that scores was loaded");
  return held.scorer;
}

serve<SearchService, ModelEvent>(
  {
    load: held.load,
    readGallery: async ([texts, options]) => {
      gallery = await readGallery(scorer(), texts, options);
    },
    rankTexts: ([images, ranking]) => {
      if (gallery === null) throw new Error("asked to rank before there was a gallery");
      return rankTexts(scorer(), gallery, { ...ranking, images });
    },
  },
  held.end,
);
