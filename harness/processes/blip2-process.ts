/** The process of a BLIP-2, one that generates or one that scores: what is started unless an entry is named. */
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { loadCheckpoint } from "../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../models/load-blip2-retrieval.ts";
import { serveModel } from "./serve-model.ts";

serveModel(async ({ where, ...place }, told) => {
  const options = { ...place, ...told };
  const checkpoint = await openCheckpoint(where, options);
  if (checkpoint.config.kind === "retrieval") return loadRetrievalCheckpoint(checkpoint, options);
  return loadCheckpoint(checkpoint, options);
});
