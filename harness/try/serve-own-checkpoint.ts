/** The process of a checkpoint: what CheckpointProcess starts unless it is told otherwise. */
import { loadOwnCheckpoint } from "./own-checkpoint.ts";
import { serveCheckpoint } from "./serve-checkpoint.ts";

serveCheckpoint(loadOwnCheckpoint);
