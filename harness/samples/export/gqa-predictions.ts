/**
 * Answers in GQA's form, `[{"questionId": "1", "prediction": "red"}]`, for its eval.py and its server. eval.py compares
 * prediction and answer letter by letter, while the metric here (exact-match.ts) compares their normal forms. So that both
 * give one score, a prediction is written as an answer of the split with that normal form is spelt: "T-shirt." becomes
 * "t-shirt"; a prediction like none of them is written in normal form.
 */
import { normaliseAnswer } from "../../../tasks/metrics/vqa-answer.ts";
import type { AnsweredRun } from "../answered-run.ts";
import { isQuestion } from "../sample-kinds.ts";
import { fileNamePart, jsonList, unlessQuestions } from "./export-format.ts";
import type { ExportFormat } from "./export-format.ts";

export const gqaPredictions: ExportFormat = {
  name: "gqa",
  about: "answers for GQA's eval.py",
  needs: "split",
  unfit: unlessQuestions,
  files: (run, answered) => {
    const spelt = spellings(run);
    const entries = answered.map(({ sample, answer }) => {
      const normal = normaliseAnswer(answer ?? "");
      return { questionId: sample.id, prediction: spelt.get(normal) ?? normal };
    });
    const name = `${fileNamePart(run.record.data.split)}_predictions.json`;
    return [{ name, content: jsonList(entries), about: `${entries.length} answers` }];
  },
};

/** Of each normal form, the most frequent spelling among the split's answers; of equally frequent ones the first. */
function spellings({ split }: AnsweredRun): ReadonlyMap<string, string> {
  const counts = new Map<string, number>();
  for (const sample of split.samples) {
    if (!isQuestion(sample)) continue;
    for (const { answer } of sample.references) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  const best = new Map<string, string>();
  for (const [answer, count] of counts) {
    const normal = normaliseAnswer(answer);
    const before = best.get(normal);
    if (before === undefined || count > counts.get(before)!) best.set(normal, answer);
  }
  return best;
}
