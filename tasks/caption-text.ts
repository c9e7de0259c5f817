/**
 * A caption as BLIP-2 ranks it in retrieval: LAVIS's `blip_caption` processor (lavis/processors/blip_processors.py,
 * BlipCaptionProcessor) with its empty default prefix.
 *
 *   A dog. Two cats!   ->   a dog two cats      punctuation becomes a space; in questions it is deleted
 */
import { collapseLongRuns, stripEnd, stripStart } from "./whitespace.ts";

const maxWords = 50; // BlipCaptionProcessor's default

/**
 * Lower case; ten punctuation characters become spaces; runs of white space become one space; newlines cut at the end,
 * then spaces at both ends; the first 50 space-separated pieces.
 */
export function blipCaption(caption: string): string {
  const spaced = collapseLongRuns(caption.toLowerCase().replace(/[.!"()*#:;~]/g, " "));
  const text = stripStart(stripEnd(stripEnd(spaced, "\n"), " "), " ");
  return text.split(" ").slice(0, maxWords).join(" ");
}
