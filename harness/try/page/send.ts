/** Sends one question to the server and fills its replies until all of them have ended. */
import type { AnswerRequest } from "../wire.ts";
import type { PictureBox } from "./picture.ts";
import type { Reply } from "./reply.ts";
import { RefusedError, streamAnswers } from "./requests.ts";
import { timeText } from "./stages.ts";

export interface Sending {
  readonly request: AnswerRequest;
  /** One reply for each lane that is asked. */
  readonly replies: readonly Reply[];
  readonly picture: PictureBox;
  readonly signal: AbortSignal;
}

const gone = 410; // HTTP status: the server has dropped the image

/** Returns the outcome as a sentence for the status line. */
export async function sendQuestion({ request, replies, picture, signal }: Sending): Promise<string> {
  const start = performance.now();
  const ask = (): Promise<void> =>
    streamAnswers(request, {
      signal,
      onEvent: (event) => replies[event.lane]?.take(event),
    });
  const end = (why: string): string => {
    for (const reply of replies) reply.end(why);
    return why;
  };
  try {
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof RefusedError) || error.status !== gone) throw error;
      await picture.sendAgain();
      await ask();
    }
    end("No answer came.");
    return `Done in ${timeText(performance.now() - start)}`;
  } catch (error) {
    if (signal.aborted) return end("Cancelled");
    return end(error instanceof Error ? error.message : String(error));
  }
}
