/** The process of a BLIP-2, one that generates or one that scores: what is started unless an entry is named. */
import { loadBlip2Model } from "./load-blip2-model.ts";
import { serveModel } from "./serve-model.ts";

serveModel(loadBlip2Model);
