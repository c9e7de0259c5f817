/** How far the answers of two runs agree: equal texts, and the position of the first token that differs. */
import type { FirstStepDivergence, OutputAgreement } from "../../../reports/records/findings/costs.ts";
import type { FirstSteps } from "../../../reports/records/first-step.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { median } from "../../statistics/medians.ts";

/** Agreement over the samples that both runs answered; null: there are none. */
export function outputAgreement(
  reference: readonly Prediction[],
  predictions: readonly Prediction[],
): OutputAgreement | null {
  const byId = new Map(reference.map((prediction) => [prediction.id, prediction]));
  const places: number[] = [];
  let [samples, same] = [0, 0];
  for (const prediction of predictions) {
    const other = byId.get(prediction.id);
    if (prediction.status !== "predicted" || other?.status !== "predicted") continue;
    samples += 1;
    if (prediction.text === other.text) same += 1;
    const place = firstDifference(prediction.tokens, other.tokens);
    if (place !== null) places.push(place);
  }
  if (samples === 0) return null;
  const firstDifferences: Record<string, number> = {};
  for (const place of places.sort((a, b) => a - b)) {
    firstDifferences[String(place)] = (firstDifferences[String(place)] ?? 0) + 1;
  }
  return { samples, same, medianFirstDifference: places.length === 0 ? null : median(places), firstDifferences };
}

/**
 * Position from 1 of the first token that differs; where one list is the beginning of the other, the position after its
 * end. null: the lists are equal.
 */
export function firstDifference(a: readonly number[], b: readonly number[]): number | null {
  const most = Math.max(a.length, b.length);
  for (let place = 0; place < most; place += 1) if (a[place] !== b[place]) return place + 1;
  return null;
}

/** Divergence over the samples that both runs have; null: there are none, or the vocabularies differ. */
export function firstStepDivergence(reference: FirstSteps, steps: FirstSteps): FirstStepDivergence | null {
  const { vocabulary } = steps;
  if (reference.vocabulary !== vocabulary) return null;
  const rowOf = new Map(reference.ids.map((id, row) => [id, row]));
  const divergences: number[] = [];
  let sameBest = 0;
  for (const [row, id] of steps.ids.entries()) {
    const other = rowOf.get(id);
    if (other === undefined) continue;
    const p = reference.logProbabilities.subarray(other * vocabulary, (other + 1) * vocabulary);
    const q = steps.logProbabilities.subarray(row * vocabulary, (row + 1) * vocabulary);
    divergences.push(klDivergence(p, q));
    if (best(p) === best(q)) sameBest += 1;
  }
  if (divergences.length === 0) return null;
  return {
    samples: divergences.length,
    meanKl: divergences.reduce((sum, kl) => sum + kl, 0) / divergences.length,
    maxKl: divergences.reduce((most, kl) => Math.max(most, kl), 0),
    sameBest,
  };
}

/**
 * Kullback-Leibler divergence Σ p (log p - log q), in natural logarithms; p and q are given as logarithms. Tokens with
 * p = 0 add nothing.
 */
export function klDivergence(logP: Float32Array, logQ: Float32Array): number {
  let sum = 0;
  for (let token = 0; token < logP.length; token += 1) {
    const p = Math.exp(logP[token]!);
    if (p > 0) sum += p * (logP[token]! - logQ[token]!);
  }
  return Math.max(0, sum); // a sum below 0 can only come from rounding in single precision
}

function best(scores: Float32Array): number {
  return scores.reduce((most, score, token) => (score > scores[most]! ? token : most), 0);
}
