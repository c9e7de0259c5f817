/** What becomes of the requests of one window: the time of each by stage, its text piece by piece, and its answer. */
import type { FailedGeneration, GeneratedToken, Generation, GenerationOptions, StageLatency } from "./model.ts";
import { StageClock } from "./stage-clock.ts";
import { TextPieces } from "./text/text-pieces.ts";
import type { Tokenizer } from "./text/tokenizer.ts";
import type { Hypothesis } from "./generation/search.ts";
import type { WindowWatcher } from "./generation/window.ts";

export interface WindowRecordParts {
  readonly tokenizer: Tokenizer;
  readonly options: Pick<GenerationOptions, "onText" | "tokenProbabilities">;
  readonly onAnswer: ((request: number, answer: Generation | FailedGeneration) => void) | undefined;
}

export class WindowRecord {
  /** In the order of the requests, once each has its answer. */
  readonly answers: (Generation | FailedGeneration)[] = [];
  /** Requests whose logits are no numbers: they have no answer yet. */
  readonly withoutNumbers: number[] = [];
  readonly #parts: WindowRecordParts;
  readonly #clocks: readonly StageClock[];

  constructor(requests: number, parts: WindowRecordParts) {
    this.#parts = parts;
    this.#clocks = Array.from({ length: requests }, () => new StageClock());
  }

  addTimes(request: number, latencyMs: StageLatency): void {
    for (const [stage, ms] of Object.entries(latencyMs)) this.#clocks[request]!.add(stage, ms);
  }

  timed<T>(request: number, stage: string, work: () => T): T {
    const start = performance.now();
    const value = work();
    this.#clocks[request]!.add(stage, performance.now() - start);
    return value;
  }

  answer(request: number, answer: Generation | FailedGeneration): void {
    this.answers[request] = answer;
    this.#parts.onAnswer?.(request, answer);
  }

  /** For the questions that are asked: `requests` has the request of each. */
  watcher(requests: readonly number[]): WindowWatcher {
    const { tokenizer, options } = this.#parts;
    const { onText } = options;
    const pieces = onText === undefined ? null : requests.map(() => new TextPieces(tokenizer));
    const tell = (question: number, piece: string): void => {
      if (piece !== "") onText?.(requests[question]!, piece);
    };
    return {
      onTime: (stage, ms, shared) => {
        for (const question of shared) this.#clocks[requests[question]!]!.add(stage, ms / shared.length);
      },
      ...(pieces !== null && {
        onSettled: (question: number, tokens: readonly number[]) => {
          tell(question, pieces[question]!.push(tokens));
        },
      }),
      onDone: (question, [best]) => {
        const request = requests[question]!;
        if (best === undefined) {
          this.withoutNumbers.push(request);
          return;
        }
        const text = this.timed(request, "detokenize", () => tokenizer.decode(best.tokens));
        tell(question, pieces?.[question]?.end(text) ?? "");
        this.#predicted(request, best, text);
      },
    };
  }

  #predicted(request: number, best: Hypothesis, text: string): void {
    const { options, tokenizer } = this.#parts;
    const { tokens, score } = best;
    const shown = options.tokenProbabilities === true && { shownTokens: shownTokens(best, text, tokenizer) };
    const latencyMs = this.#clocks[request]!.shares(1);
    this.answer(request, { status: "predicted", text, tokens, score, latencyMs, ...shown });
  }
}

function shownTokens(
  { tokens, logProbabilities }: Hypothesis,
  text: string,
  tokenizer: Tokenizer,
): readonly GeneratedToken[] {
  if (logProbabilities === undefined) throw new RangeError("a graph that generates whole texts shows no probabilities");
  const pieces = new TextPieces(tokenizer);
  return tokens.map((id, index) => ({
    id,
    text: index === tokens.length - 1 ? pieces.end(text) : pieces.push(tokens.slice(0, index + 1)),
    probability: Math.exp(logProbabilities[index]!),
  }));
}
