/** The process of a model: serves a generator or a scorer until it is closed, or until the process that calls has ended. */
import type { ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import { HeldModel } from "./held-model.ts";
import type { LoadModel } from "./held-model.ts";
import type { GeneratorService, ModelEvent, ScorerService } from "./model-service.ts";
import { readAhead } from "./read-ahead.ts";
import { serve } from "./serve.ts";

export function serveModel(load: LoadModel): void {
  const held = new HeldModel(load);
  const generator = (): VisionLanguageModel => {
    if (held.generator === null) throw new Error("asked to generate before a model that does was loaded");
    return held.generator;
  };
  const scorer = (): ImageTextScorer => {
    if (held.scorer === null) throw new Error("asked to score before a model that does was loaded");
    return held.scorer;
  };
  serve<GeneratorService & ScorerService, ModelEvent>(
    {
      load: held.load,
      readAhead: (args) => generator().readAhead(...args),
      generate: ([requests, options, batching], { onStep }) =>
        generator().generate(requests, { ...options, onStep }, batching),
      weigh: (args) => {
        const { weigh, name } = generator();
        if (weigh === undefined) throw new Error(`${name}: cannot weigh candidates`);
        return weigh(...args);
      },
      embedImages: (args) => scorer().embedImages(...args),
      readTexts: (args) => scorer().readTexts(...args),
      embedTexts: (args) => scorer().embedTexts(...args),
      compare: (args) => scorer().compare(...args),
      match: (args) => scorer().match(...args),
      weighTexts: (args) => scorer().weighTexts(...args),
      forget: (args) => scorer().forget?.(...args),
    },
    {
      ...held.end,
      atOnce: ["readAhead"],
      onArrival: {
        // Images of a batch that waits its turn are read while the model computes the one before.
        generate: ([requests]) => {
          if (held.generator !== null) readAhead(held.generator, [requests]);
        },
        weigh: ([requests]) => {
          if (held.generator !== null) readAhead(held.generator, [requests]);
        },
      },
    },
  );
}
