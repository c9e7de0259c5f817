/** The process of a checkpoint: what CheckpointProcess starts unless it is told otherwise. */
import { serveCheckpoint } from "./serve-checkpoint.ts";

serveCheckpoint(() => Promise.reject(new Error("not yet")));
