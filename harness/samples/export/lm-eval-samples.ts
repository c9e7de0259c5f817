/**
 * Samples as lm-evaluation-harness writes them with --log_samples (loggers/evaluation_tracker.py): a JSON object a line.
 * `doc` has the ids, question and references; the hashes of documents and prompts that the tool adds are left out, as
 * they are of its own Python objects. Metrics are fractions, as there.
 */
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isQuestion, referencesOf } from "../sample-kinds.ts";
import { fileNamePart, officialId } from "./export-format.ts";
import type { ExportFormat } from "./export-format.ts";

export const lmEvalSamples: ExportFormat = {
  name: "lm-eval",
  about: "samples as lm-evaluation-harness logs them",
  needs: "answers",
  unfit: ({ task }) => (task.kind === "retrieval" ? `it holds generated texts, and ${task.name} makes none` : null),
  files: (run, answered) => {
    const placeOf = new Map(run.split.samples.map(({ id }, place) => [id, place]));
    const lines = answered.map((asked) => JSON.stringify(lineOf(asked, run, placeOf.get(asked.sample.id) ?? 0)));
    return [
      {
        name: `samples_${fileNamePart(run.record.config.task)}.jsonl`,
        content: lines.map((line) => `${line}\n`).join(""),
        about: `${lines.length} samples`,
      },
    ];
  },
};

/** `place`: of the sample in its split, counted from 0. */
function lineOf({ sample, prediction, answer, scores }: AskedSample, run: AnsweredRun, place: number): object {
  const text = prediction !== null && "text" in prediction ? prediction.text : "";
  const prompt = prediction !== null && "prompt" in prediction ? prediction.prompt : null;
  const references = referencesOf(sample);
  const ids = { image_id: officialId(sample.image.id) };
  const doc = isQuestion(sample) ? { question_id: officialId(sample.id), ...ids, question: sample.question } : ids;
  return {
    doc_id: place,
    doc: { ...doc, references },
    target: references.length === 1 ? references[0] : JSON.stringify(references),
    arguments: { gen_args_0: { arg_0: prompt ?? "", arg_1: run.record.config.decoding } },
    resps: [[text]],
    filtered_resps: [answer],
    filter: "none",
    metrics: Object.keys(scores),
    ...scores,
  };
}
