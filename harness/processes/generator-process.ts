/** A model that generates, in a process of its own. */
import { CheckpointError } from "../../models/model.ts";
import type {
  Batching,
  CandidatesRequest,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  ImageFile,
  WeighedCandidates,
  WeighingBatching,
  WriterFamily,
} from "../../models/model.ts";
import { imagesToSend, imageToSend } from "./image-to-send.ts";
import { ModelProcess } from "./model-process.ts";
import type { ArgumentsOf } from "./messages.ts";
import type { ModelProcessOptions } from "./model-process.ts";
import { generatorWords } from "./model-service.ts";
import type { GeneratorService, ModelPlace } from "./model-service.ts";
import type { Timed } from "./remote.ts";

export type Generations = readonly (Generation | FailedGeneration)[];

export type Weighings = readonly (WeighedCandidates | FailedGeneration)[];

type WeighArguments = ArgumentsOf<GeneratorService, "weigh">;

type GenerateArguments = ArgumentsOf<GeneratorService, "generate">;

export class GeneratorProcess extends ModelProcess<GeneratorService> {
  #family: WriterFamily | null = null;

  /** Throws what loading throws, and a CheckpointError for a checkpoint that generates nothing. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<GeneratorProcess> {
    const started = new GeneratorProcess(generatorWords, options);
    const loaded = await started.loadBy(started.forward("load"), place);
    if (loaded.kind === "generation") {
      started.#family = loaded.family;
      return started;
    }
    await started.kill();
    throw new CheckpointError(`${loaded.name}: a checkpoint for image-text retrieval, which generates no text.`);
  }

  /** Throws before it is loaded. */
  get family(): WriterFamily {
    if (this.#family === null) throw new Error("no model is loaded");
    return this.#family;
  }

  async readAhead(image: ImageFile): Promise<void> {
    const sent = imageToSend(image).then((sent): [ImageFile] => [sent]);
    await this.callWhenMade("readAhead", sent).catch(() => undefined); // `generate` will say it
  }

  /** `onAnswer` is called for each answer when the whole window is answered. */
  async generate(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Generations> {
    const { value } = await this.generateTimed(requests, options, batching);
    for (const [request, answer] of value.entries()) batching?.onAnswer?.(request, answer);
    return value;
  }

  async weigh(requests: readonly CandidatesRequest[], batching?: WeighingBatching): Promise<Weighings> {
    const sent = requestsToSend(requests);
    const { value } = await this.callWhenMade(
      "weigh",
      sent.then((asked): WeighArguments => (batching === undefined ? [asked] : [asked, batching])),
    );
    return value;
  }

  /** The answers, and when the process worked on them by process.hrtime.bigint(), a clock that all processes of a machine share. */
  async generateTimed(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Timed<Generations>> {
    const sent = requestsToSend(requests);
    if (batching === undefined)
      return this.callWhenMade(
        "generate",
        sent.then((asked): GenerateArguments => [asked, options]),
      );
    const { size, refill, sharePrompt, shareImages } = batching; // onAnswer is a function, which does not cross
    const values = { size, refill, sharePrompt, ...(shareImages !== undefined && { shareImages }) };
    return this.callWhenMade(
      "generate",
      sent.then((asked): GenerateArguments => [asked, options, values]),
    );
  }
}

async function requestsToSend<Request extends Pick<GenerationRequest, "image">>(
  requests: readonly Request[],
): Promise<readonly Request[]> {
  const images = await imagesToSend(requests.map(({ image }) => image));
  return requests.map((request, index) => ({ ...request, image: images[index]! }));
}
