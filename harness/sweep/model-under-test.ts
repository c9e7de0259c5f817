/**
 * A model in a process of its own as the system under test: queries wait here, in order, until the model is free, and go to it
 * in batches. Nothing computed for a sample is used for another, as LoadGen's rules ask: each asks about an image of its own name.
 */
import type { AnswerListener, QuerySample, SampleAnswer, SystemUnderTest } from "../loadgen/system-under-test.ts";
import type { SystemClock } from "../loadgen/clock.ts";
import type { ModelProcess, Timed, Generations } from "../model-process/model-process.ts";
import type { DecodingOptions, GenerationRequest } from "../../models/model.ts";

export interface Asked {
  /** What is asked about the sample at this place in the library. */
  readonly request: (index: number) => GenerationRequest;
  readonly decoding: DecodingOptions;
  /** Samples at most. */
  readonly batchSize: number;
  readonly clock: SystemClock;
}

export class ModelUnderTest implements SystemUnderTest {
  readonly name: string;
  readonly #model: Pick<ModelProcess, "name" | "generateTimed">;
  readonly #asked: Asked;
  readonly #waiting: QuerySample[] = [];
  /** Of #waiting, the first that did not go to the model yet. */
  #next = 0;
  #inFlight = 0;
  #requests = 0;
  #listener: AnswerListener = { answered: () => undefined, gone: () => undefined };

  constructor(model: Pick<ModelProcess, "name" | "generateTimed">, asked: Asked) {
    this.name = model.name;
    this.#model = model;
    this.#asked = asked;
  }

  readonly listen = (listener: AnswerListener): void => {
    this.#listener = listener;
  };

  readonly issue = (query: readonly QuerySample[]): void => {
    for (const sample of query) this.#waiting.push(sample);
    this.#dispatch();
  };

  /**
   * A batch goes to the model when it is free; a full one also while it computes another, so that its images are read meanwhile.
   * One that is not full waits for company.
   */
  #dispatch(): void {
    const { batchSize } = this.#asked;
    for (;;) {
      const waiting = this.#waiting.length - this.#next;
      const mayGo = this.#inFlight === 0 ? waiting > 0 : this.#inFlight === 1 && waiting >= batchSize;
      if (!mayGo) break;
      const batch = this.#waiting.slice(this.#next, this.#next + batchSize);
      this.#next += batch.length;
      this.#inFlight += 1;
      void this.#ask(batch);
    }
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
  }

  async #ask(batch: readonly QuerySample[]): Promise<void> {
    const { request, decoding } = this.#asked;
    const requests = batch.map(({ index }) => this.#withOwnImage(request(index)));
    try {
      const timed = await this.#model.generateTimed(requests, decoding);
      this.#inFlight -= 1;
      this.#dispatch(); // before the answers are looked at: the model waits for nothing
      this.#listener.answered(this.#answers(batch, timed));
    } catch (error) {
      this.#listener.gone(error instanceof Error ? error.message : String(error));
    }
  }

  /** The same id would be the same image, encoded once for all who ask about it. */
  #withOwnImage(request: GenerationRequest): GenerationRequest {
    this.#requests += 1;
    const { id, path } = request.image;
    return { ...request, image: { id: `${id}#${this.#requests}`, path } };
  }

  #answers(batch: readonly QuerySample[], { value, stamps }: Timed<Generations>): readonly SampleAnswer[] {
    const startedNs = this.#asked.clock.fromMonotonic(stamps.startedNs);
    const tokensNs = stamps.stepsNs.map((afterNs) => startedNs + afterNs);
    return batch.map(({ id }, place): SampleAnswer => {
      const generation = value[place];
      if (generation?.status !== "predicted") {
        const error = generation?.error ?? "no answer";
        return { id, text: null, error, tokens: 0, timing: { startedNs, tokensNs: [], stagesMs: {} } };
      }
      const { text, tokens, latencyMs } = generation;
      return { id, text, tokens: tokens.length, timing: { startedNs, tokensNs, stagesMs: latencyMs } };
    });
  }
}
