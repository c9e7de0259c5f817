/**
 * McNemar's test: of the samples that one system got right and the other wrong, are they as many either way? It takes samples
 * as independent, which those of one image are not: the familiar number beside the clustered one. Fagerland et al. 2013.
 */
import { binomialCdf, binomialPoint, chiSquareTail } from "./distributions.ts";

export interface McNemarTest {
  /** Right in the base and wrong in the candidate. */
  readonly lost: number;
  /** Wrong in the base and right in the candidate. */
  readonly gained: number;
  /** Two-sided binomial; never rejects too often. */
  readonly exactP: number;
  /** The exact one less half the probability of the very outcome. */
  readonly midP: number;
  /** Chi-square with one degree of freedom, (lost - gained)² / (lost + gained), without correction. */
  readonly chiSquareP: number;
  /** The one to quote: exact for fewer than 25 discordant samples, else chi-square. */
  readonly pValue: number;
}

const manyDiscordant = 25; // the usual border of the approximation

export function mcNemarTest(lost: number, gained: number): McNemarTest {
  const discordant = lost + gained;
  if (discordant === 0) return { lost, gained, exactP: 1, midP: 1, chiSquareP: 1, pValue: 1 };
  const fewer = Math.min(lost, gained);
  const tail = 2 * binomialCdf(fewer, discordant, 0.5);
  const exactP = Math.min(1, tail);
  const midP = tail - binomialPoint(fewer, discordant, 0.5); // 1 where both are as many
  const chiSquareP = chiSquareTail((lost - gained) ** 2 / discordant);
  return { lost, gained, exactP, midP, chiSquareP, pValue: discordant < manyDiscordant ? exactP : chiSquareP };
}
