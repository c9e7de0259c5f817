/** The side of the checkpoint: answers the calls of the server that started this process, one after the other. */
import { told } from "../processes/told-error.ts";
import { answerQuestion } from "./answer-question.ts";
import type { AnyCheckpoint } from "./answer-question.ts";
import { Conversations } from "./conversations.ts";
import { isCheckpointCall } from "./checkpoint-messages.ts";
import type { CheckpointCall, CheckpointPlace, CheckpointReply } from "./checkpoint-messages.ts";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";

/** Loads what a process then serves. */
export type LoadAny = (
  place: CheckpointPlace,
  onPreparation: (event: PreparationEvent) => void,
) => Promise<AnyCheckpoint>;

/** Serves until whoever asks is gone. */
export function serveCheckpoint(load: LoadAny): void {
  let checkpoint: AnyCheckpoint | null = null;
  const conversations = new Conversations();
  const running = new Map<number, AbortController>();
  let turn: Promise<void> = Promise.resolve();

  const perform = async ({ id, work }: CheckpointCall, signal: AbortSignal): Promise<CheckpointReply | null> => {
    switch (work.kind) {
      case "load":
        checkpoint = await load(work.place, (event) => {
          reply({ kind: "preparation", id, event });
        });
        return { kind: "loaded", id };
      case "answer": {
        if (checkpoint === null) throw new Error("asked before a checkpoint was loaded");
        signal.throwIfAborted();
        const onText = (text: string): void => {
          reply({ kind: "text", id, text });
        };
        return {
          kind: "said",
          id,
          said: await answerQuestion(checkpoint, work.question, { conversations, signal, onText }),
        };
      }
      case "cancel":
        return null;
    }
  };
  const answer = async (call: CheckpointCall, controller: AbortController): Promise<void> => {
    try {
      const said = await perform(call, controller.signal);
      if (said !== null) reply(said);
    } catch (error) {
      reply({ kind: "error", id: call.id, error: told(error) });
    } finally {
      running.delete(call.id);
    }
  };

  process.on("message", (message) => {
    if (!isCheckpointCall(message)) throw new Error("a message that is no call");
    if (message.work.kind === "cancel") {
      running.get(message.work.call)?.abort(); // between two steps of the model, where messages come through
      return;
    }
    const controller = new AbortController();
    running.set(message.id, controller);
    turn = turn.then(() => answer(message, controller));
  });
  // Ctrl-C reaches every process of a terminal. Whoever asks decides what becomes of it.
  process.on("SIGINT", () => undefined);
  process.on("SIGTERM", () => undefined);
  process.on("disconnect", () => process.exit());
}

function reply(message: CheckpointReply): void {
  if (process.connected) process.send?.(message);
}
