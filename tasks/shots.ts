/**
 * Few-shot prompts: before its own prompt a sample is shown others, as text, with their answers. A model takes one image, that of the
 * sample which is asked; a shot may bring its image in words.
 *
 *   prompt           Question: what color is the star? Answer:
 *   shot             Question: how many dogs are there? Answer: 2.
 *   captioned shot   Image: two dogs on a lawn. Question: how many dogs are there? Answer: 2.
 *   together         Question: how many dogs are there? Answer: 2. Question: what color is the star? Answer:
 *
 * A shot has the form of the prompt, with the answer behind it and a full stop, as turns of a conversation have in the authors' example of
 * one (salesforce/LAVIS, examples/blip2_instructed_generation.ipynb). BLIP-2 (section 5) saw no gain from shots.
 */
import type { Sample } from "../datasets/dataset.ts";
import { choiceMeant, choicesOf } from "./choices.ts";
import { referenceTexts } from "./metrics/hypotheses.ts";
import type { ReferencedSample } from "./metrics/hypotheses.ts";

/**
 * The answer that a shot shows: of several references the most frequent, of equally frequent ones the first; of a letter the choice it
 * stands for. null: the sample has none.
 */
export function shotAnswer(sample: Sample): string | null {
  const counts = new Map<string, number>();
  for (const text of isReferenced(sample) ? referenceTexts(sample) : []) {
    const answer = text.trim();
    if (answer !== "") counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  let best: string | null = null;
  for (const [answer, count] of counts) if (best === null || count > counts.get(best)!) best = answer;
  if (best === null) return null;
  const choices = choicesOf(sample);
  const choice = choiceMeant(best, choices);
  return choice === null ? best : choices[choice]!;
}

function isReferenced(sample: Sample): sample is ReferencedSample {
  return "references" in sample && Array.isArray(sample.references);
}

/** `caption`: of its image; null: none. */
export function shotText(prompt: string | null, answer: string, caption: string | null): string {
  const image = caption === null ? "" : `Image: ${ended(caption)} `;
  return `${image}${prompt === null ? "" : `${prompt} `}${ended(answer)}`;
}

/** A prompt behind shots, in their order. */
export function withShots(shots: readonly string[], prompt: string | null): string | null {
  return shots.length === 0 ? prompt : [...shots, ...(prompt === null ? [] : [prompt])].join(" ");
}

function ended(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
