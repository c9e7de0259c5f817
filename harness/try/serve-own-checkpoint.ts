/** Entry point of a checkpoint's process: CheckpointProcess starts this file by default. */
import { loadCheckpoint } from "../library/api.ts";
import { serveCheckpoint } from "./serve-checkpoint.ts";

serveCheckpoint(({ where, maxPixels, ...options }, onPreparation) =>
  loadCheckpoint(where, { ...options, ...(maxPixels !== null && { maxPixels }), onPreparation }),
);
