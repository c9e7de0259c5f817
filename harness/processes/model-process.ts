/** A model in a process of its own: what generators and scorers have in common. */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { LoadedModel, LoadService, ModelEvent, ModelPlace } from "./model-service.ts";
import { Remote } from "./remote.ts";
import type { Words } from "./remote.ts";

export interface ModelProcessOptions {
  /** The file it runs, which calls serveModel; unset: a BLIP-2's. */
  readonly entry?: string;
  readonly onPreparation?: (event: PreparationEvent) => void;
  readonly onPlacement?: (placement: GraphPlacement) => void;
  /** Words for error messages, besides the process's number: `worker 2`. */
  readonly label?: string;
}

const blip2Entry = fileURLToPath(new URL(`./blip2-process${extname(import.meta.url)}`, import.meta.url));

export class ModelProcess<Service extends LoadService> extends Remote<Service, ModelEvent> {
  #model: LoadedModel | null = null;
  #loadMs = 0;

  constructor(words: Words<Service>, { onPreparation, onPlacement, label, entry = blip2Entry }: ModelProcessOptions) {
    const onEvent = (event: ModelEvent): void => {
      if (event.kind === "preparation") onPreparation?.(event.event);
      else onPlacement?.(event.placement);
    };
    super({ entry, label, words, onEvent });
  }

  /**
   * Calls `load`, the service's method. Throws what loading throws, a CheckpointError among them, and a ModelProcessError where
   * the process ends over it; the process is gone then.
   */
  protected async loadBy(load: (place: ModelPlace) => Promise<LoadedModel>, place: ModelPlace): Promise<LoadedModel> {
    try {
      const start = performance.now();
      const loaded = await load(place);
      this.#loadMs = performance.now() - start;
      this.#model = loaded;
      this.name = loaded.name;
      return loaded;
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** Milliseconds of starting the process and loading the model. */
  get loadMs(): number {
    return this.#loadMs;
  }

  /** Throws before it is loaded. */
  get model(): LoadedModel {
    if (this.#model === null) throw new Error("no model is loaded");
    return this.#model;
  }
}
