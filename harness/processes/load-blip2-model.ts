/** A BLIP-2 checkpoint of either kind, as a process loads it. */
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { loadGenerationCheckpoint } from "../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../models/load-blip2-retrieval.ts";
import { loadWriterCheckpoint } from "../../models/load-writer.ts";
import type { LoadModel } from "./held-model.ts";

export const loadBlip2Model: LoadModel = async ({ where, ...place }, told) => {
  const options = { ...place, ...told };
  const checkpoint = await openCheckpoint(where, options);
  if (options.writes === true) return loadWriterCheckpoint(checkpoint, options);
  if (checkpoint.config.kind === "retrieval") return loadRetrievalCheckpoint(checkpoint, options);
  return loadGenerationCheckpoint(checkpoint, options);
};
