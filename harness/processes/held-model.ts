/** The model that a process holds, between loading and the end of the process. */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import { DeviceLostError } from "../../models/device/device-error.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import type { LoadService, ModelEvent, ModelPlace } from "./model-service.ts";
import type { Served, ServeOptions } from "./serve.ts";

export type LoadModel = (
  place: ModelPlace,
  told: {
    readonly onPreparation: (event: PreparationEvent) => void;
    /** Also called after loading, when a graph runs for the first time. */
    readonly onPlacement: (placement: GraphPlacement) => void;
  },
) => Promise<VisionLanguageModel | ImageTextScorer>;

export class HeldModel {
  readonly #load: LoadModel;
  #model: VisionLanguageModel | ImageTextScorer | null = null;

  constructor(load: LoadModel) {
    this.#load = load;
  }

  readonly load: Served<LoadService, ModelEvent>["load"] = async ([place], { tell }) => {
    const model = await this.#load(place, {
      onPreparation: (event) => {
        tell({ kind: "preparation", event });
      },
      onPlacement: (placement) => {
        tell({ kind: "placement", placement });
      },
    });
    this.#model = model;
    const { name, weightsBytes = null } = model;
    if (model.kind === "retrieval") return { name, weightsBytes, kind: model.kind };
    return { name, weightsBytes, kind: model.kind, family: model.family };
  };

  /** null: none is loaded, or one that generates nothing. */
  get generator(): VisionLanguageModel | null {
    return this.#model?.kind === "generation" ? this.#model : null;
  }

  /** null: none is loaded, or one that scores nothing. */
  get scorer(): ImageTextScorer | null {
    return this.#model?.kind === "retrieval" ? this.#model : null;
  }

  /** How a process that holds a model ends: in order, or because the device is lost, which another process may find again. */
  readonly end: Pick<ServeOptions<object>, "onClose" | "isFatal"> = {
    onClose: async () => {
      await this.#model?.release();
    },
    isFatal: (error) => error instanceof DeviceLostError,
  };
}
