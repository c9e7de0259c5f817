/**
 * Prepares a question for BLIP-2's prompt: LAVIS's `blip_question` processor (lavis/processors/blip_processors.py,
 * BlipQuestionProcessor), which every VQA configuration of LAVIS uses.
 *
 *   What color is the cat?   ->   what color is the cat?      question marks, commas, hyphens and apostrophes stay
 */
import { stripEnd } from "./whitespace.ts";

const maxWords = 50; // BlipQuestionProcessor's default

/** Lower case; ten punctuation characters deleted; spaces cut at the end only; the first 50 space-separated pieces. */
export function blipQuestion(question: string): string {
  const text = stripEnd(question.toLowerCase().replace(/[.!"()*#:;~]/g, ""), " ");
  return text.split(" ").slice(0, maxWords).join(" ");
}
