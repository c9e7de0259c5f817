/** Samples of a generation task: each is an image and a prompt, its answer is text. */
import type { Sample } from "../../../datasets/dataset.ts";
import type { BenchAccuracy } from "../../../reports/records/bench/bench-run.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import type { GenerationTask } from "../../../tasks/task.ts";
import { GeneratorProcess } from "../../processes/generator-process.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import type { Asking } from "../../evaluation/generation/asking.ts";
import { scorePredictions } from "../../evaluation/generation/score.ts";
import { ownImages } from "./subject.ts";
import type { AskBatch, BatchAnswer, SampleTexts, Subject } from "./subject.ts";

export interface GenerationSubject {
  readonly task: GenerationTask<Sample>;
  readonly opened: OpenedSplit<Sample>;
  readonly asking: Asking<Sample>;
  /** Name of the checkpoint. */
  readonly checkpoint: string;
  /** Whether its Q-Former writes, and no language model. */
  readonly writes: boolean;
}

export function generationSubject(work: GenerationSubject): Subject {
  return {
    start: async (place, options) => {
      const process = await GeneratorProcess.start({ ...place, writes: work.writes }, options);
      return { process, ask: askToGenerate(process, work), galleryMs: null };
    },
    score: (outputs) => scored(work, outputs),
  };
}

export function askToGenerate(
  model: Pick<GeneratorProcess, "generateTimed">,
  { asking, opened }: Pick<GenerationSubject, "asking"> & { readonly opened: Pick<OpenedSplit<Sample>, "samples"> },
): AskBatch {
  const own = ownImages();
  const { maxPromptTokens, decoding } = asking;
  return async (indices) => {
    const requests = indices.map((index) => {
      const sample = opened.samples[index]!;
      return {
        image: own(sample.image),
        prompt: asking.prompt(sample),
        ...(maxPromptTokens !== null && { maxPromptTokens }),
      };
    });
    const { value, stamps } = await model.generateTimed(requests, decoding);
    const answers = indices.map((_, place): BatchAnswer => {
      const generation = value[place];
      if (generation?.status === "predicted") {
        const { text, tokens, latencyMs } = generation;
        return { text, tokens: tokens.length, stagesMs: latencyMs };
      }
      return { text: null, error: generation?.error ?? "no answer", tokens: 0, stagesMs: {} };
    });
    return { answers, stamps };
  };
}

function scored(
  { task, opened, asking, checkpoint }: GenerationSubject,
  outputs: SampleTexts,
): BenchAccuracy["accuracy"] {
  const { split, samples } = opened;
  const outcomes = new Map(outputs.map(([index, text]): [string, Outcome] => [samples[index]!.id, outcomeOf(text)]));
  const { answer } = asking;
  const sheet = scorePredictions(task, { split, samples, outcomes, answer, cluster: null, checkpoint, code: "" });
  const [metric] = sheet.metrics;
  if (metric === undefined || metric.value === null) return null;
  const { name, value, standardError } = metric;
  return { metric: name, value, standardError, samples: sheet.counts.scored };
}

function outcomeOf(text: string | null): Outcome {
  return text === null ? { status: "failed", error: "" } : { status: "predicted", text };
}
