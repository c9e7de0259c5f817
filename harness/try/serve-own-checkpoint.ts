/** The process of a checkpoint: what CheckpointProcess starts unless it is told otherwise. */
import { loadCheckpoint } from "../library/api.ts";
import { serveCheckpoint } from "./serve-checkpoint.ts";

serveCheckpoint(({ where, maxPixels, ...options }, onPreparation) =>
  loadCheckpoint(where, { ...options, ...(maxPixels !== null && { maxPixels }), onPreparation }),
);
