/** A model that generates, in a process of its own: see asked-process.ts. */
import { CheckpointError } from "../../models/model.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  ImageFile,
  LanguageModelFamily,
  VisionLanguageModel,
} from "../../models/model.ts";
import { AskedProcess } from "./asked-process.ts";
import type { ModelProcessOptions, Timed } from "./asked-process.ts";
import type { ModelPlace } from "./messages.ts";

export type Generations = readonly (Generation | FailedGeneration)[];

export class ModelProcess extends AskedProcess implements VisionLanguageModel {
  /** As load. */
  static async start(place: ModelPlace, options: ModelProcessOptions = {}): Promise<ModelProcess> {
    const started = new ModelProcess(options);
    const { name, family } = await started.load(place);
    if (family !== "itm") return started;
    await started.kill();
    throw new CheckpointError(`${name}: a checkpoint for image-text retrieval, which generates no text.`);
  }

  get family(): LanguageModelFamily {
    const family = this.model?.family ?? "itm";
    if (family === "itm") throw new Error("no model that generates is loaded");
    return family;
  }

  async readAhead(image: ImageFile): Promise<void> {
    await this.ask({ kind: "readAhead", image }).catch(() => undefined); // `generate` will say it
  }

  /** `onAnswer` is called when all are there. */
  async generate(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Generations> {
    const { value } = await this.generateTimed(requests, options, batching);
    for (const [request, answer] of value.entries()) batching?.onAnswer?.(request, answer);
    return value;
  }

  /** As generate, and says when: by process.hrtime.bigint(), which all processes of a machine share. */
  generateTimed(
    requests: readonly GenerationRequest[],
    options: DecodingOptions,
    batching?: Batching,
  ): Promise<Timed<Generations>> {
    if (batching === undefined) return this.ask({ kind: "generate", requests, options });
    const { size, refill, sharePrompt, shareImages } = batching; // onAnswer is a function, which does not cross
    const values = { size, refill, sharePrompt, ...(shareImages !== undefined && { shareImages }) };
    return this.ask({ kind: "generate", requests, options, batching: values });
  }
}
