/**
 * Serves a checkpoint in a separate process: answers the questions of the server that started it, one after the other.
 */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { serve } from "../processes/serve.ts";
import { answerQuestion } from "./answer-question.ts";
import type { AnyCheckpoint } from "./answer-question.ts";
import type { CheckpointEvent, CheckpointPlace, CheckpointService } from "./checkpoint-service.ts";
import { Conversations } from "./conversations.ts";

/** Loads the checkpoint that the process serves. */
export type LoadAny = (
  place: CheckpointPlace,
  onPreparation: (event: PreparationEvent) => void,
) => Promise<AnyCheckpoint>;

/** Serves until the connection to the server ends. */
export function serveCheckpoint(load: LoadAny): void {
  let checkpoint: AnyCheckpoint | null = null;
  const conversations = new Conversations();
  serve<CheckpointService, CheckpointEvent>({
    load: async ([place], { tell }) => {
      checkpoint = await load(place, (event) => {
        tell({ kind: "preparation", event });
      });
    },
    answer: ([question], { signal, tell }) => {
      if (checkpoint === null) throw new Error("asked before a checkpoint was loaded");
      signal.throwIfAborted();
      const onText = (text: string): void => {
        tell({ kind: "text", text });
      };
      return answerQuestion(checkpoint, question, { conversations, signal, onText });
    },
  });
}
