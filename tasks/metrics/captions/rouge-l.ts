/**
 * ROUGE-L: the longest common subsequence of a caption and its references. Lin 2004, "ROUGE: A Package for Automatic
 * Evaluation of Summaries", section 3; as salaniz/pycocoevalcap (ad63453) computes it, rouge/rouge.py. A fraction, higher is
 * better; of a corpus: the mean over images.
 *
 *   precision P   longest common subsequence / length of the hypothesis: the best over references
 *   recall R      longest common subsequence / length of the reference: the best over references, possibly another one
 *   score         (1 + 1.2²) P R / (R + 1.2² P); 0 where either is 0
 *
 * Edge cases: a caption without tokens is one empty token (calc_score splits at single blanks), so an empty hypothesis
 * scores 1 where a reference is empty too, else 0. A token with a no-break space inside is one token here, unlike in
 * BLEU.
 */

const beta = 1.2; // rouge.py, Rouge: recall counts more than precision

/**
 * The score of one image, from its captions' tokens.
 *
 * @throws RangeError for an image without references.
 */
export function rougeL(hypothesis: readonly string[], references: readonly (readonly string[])[]): number {
  return rougeLParts(hypothesis, references).score;
}

/** The score with the precision and the recall that it is made of. */
export function rougeLParts(
  hypothesis: readonly string[],
  references: readonly (readonly string[])[],
): { readonly precision: number; readonly recall: number; readonly score: number } {
  if (references.length === 0) throw new RangeError("ROUGE-L: an image has no references; leave it out");
  const tokens = hypothesis.length === 0 ? [""] : hypothesis;
  let precision = 0;
  let recall = 0;
  for (const reference of references) {
    const others = reference.length === 0 ? [""] : reference;
    const common = longestCommonSubsequence(tokens, others);
    precision = Math.max(precision, common / tokens.length);
    recall = Math.max(recall, common / others.length);
  }
  const score =
    precision === 0 || recall === 0 ? 0 : ((1 + beta ** 2) * precision * recall) / (recall + beta ** 2 * precision);
  return { precision, recall, score };
}

/** Length of the longest common subsequence, computed with one row of Wagner and Fischer's table (1974) at a time. */
function longestCommonSubsequence(first: readonly string[], second: readonly string[]): number {
  // row[j]: length for the words of `first` so far and `second.slice(0, j)`
  const row = new Uint32Array(second.length + 1);
  for (const token of first) {
    let diagonal = 0;
    for (let j = 1; j <= second.length; j += 1) {
      const above = row[j]!;
      row[j] = token === second[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]!);
      diagonal = above;
    }
  }
  return row[second.length]!;
}
