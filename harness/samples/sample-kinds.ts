/** What a sample asks for, told by the fields that its data set gives it. */
import type { CaptionSample, RetrievalSample, Sample, VqaSample } from "../../datasets/dataset.ts";
import { referenceTexts } from "../../tasks/metrics/hypotheses.ts";

export function isQuestion(sample: Sample): sample is VqaSample {
  return "question" in sample && typeof sample.question === "string";
}

export function isCaptioned(sample: Sample): sample is CaptionSample {
  return !isQuestion(sample) && "references" in sample && Array.isArray(sample.references);
}

export function isRetrieval(sample: Sample): sample is RetrievalSample {
  return "texts" in sample && Array.isArray(sample.texts);
}

/** The texts that an answer is compared with, or that an image is to find; empty where they are private. */
export function referencesOf(sample: Sample): readonly string[] {
  if (isRetrieval(sample)) return sample.texts.map(({ text }) => text);
  return isQuestion(sample) || isCaptioned(sample) ? referenceTexts(sample) : [];
}
