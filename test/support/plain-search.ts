/**
 * Beam search as its description in transformers 5.12.1 reads (`_beam_search`), written apart from ours: every continuation of
 * every beam is made and all are sorted, where ours looks at the heads of lists.
 */
import type { DecodingOptions } from "../../models/model.ts";

/** Log-probabilities of all tokens behind these; single-precision numbers. */
export type NextToken = (tokens: readonly number[]) => readonly number[];

interface Scored {
  readonly tokens: readonly number[];
  readonly score: number;
}

const byScore = (a: Scored, b: Scored): number => b.score - a.score;

/** The finished sequences, best first. */
export function plainBeamSearch(next: NextToken, options: DecodingOptions, endTokens: readonly number[]): Scored[] {
  const { beams, newTokens, lengthPenalty, earlyStopping } = options;
  let running: Scored[] = [{ tokens: [], score: 0 }];
  let finished: Scored[] = [];
  for (let length = 1; length <= newTokens.max; length += 1) {
    const all = running.flatMap(({ tokens, score }) =>
      next(tokens).flatMap((logProbability, token) =>
        length <= newTokens.min && endTokens.includes(token)
          ? [] // too short to end
          : [{ tokens: [...tokens, token], score: Math.fround(score + logProbability) }],
      ),
    );
    const best = all.sort(byScore).slice(0, Math.max(2, 1 + endTokens.length) * beams);
    const hasEnded = ({ tokens }: Scored): boolean => length === newTokens.max || endTokens.includes(tokens.at(-1)!);
    const ended = best.slice(0, beams).filter(hasEnded);
    finished = [
      ...finished,
      ...ended.map(({ tokens, score }) => ({ tokens, score: Math.fround(score / length ** lengthPenalty) })),
    ]
      .sort(byScore)
      .slice(0, beams);
    running = best.filter((each) => !hasEnded(each)).slice(0, beams);
    const [leader] = running;
    if (leader === undefined) break;
    if (finished.length < beams) continue;
    if (earlyStopping === true) break;
    const hopedLength = earlyStopping === "never" && lengthPenalty > 0 ? newTokens.max : length;
    if (leader.score / hopedLength ** lengthPenalty <= finished.at(-1)!.score) break;
  }
  return finished;
}

/** The best of all sequences there are, which a search with beams enough must find. */
export function bestOfAllSequences(
  next: NextToken,
  { newTokens, lengthPenalty }: DecodingOptions,
  endTokens: readonly number[],
): Scored {
  const ends: Scored[] = [];
  const follow = ({ tokens, score }: Scored): void => {
    for (const [token, logProbability] of next(tokens).entries()) {
      const isEnd = endTokens.includes(token);
      if (isEnd && tokens.length < newTokens.min) continue;
      const longer = { tokens: [...tokens, token], score: Math.fround(score + logProbability) };
      if (!isEnd && longer.tokens.length < newTokens.max) follow(longer);
      else ends.push({ ...longer, score: Math.fround(longer.score / longer.tokens.length ** lengthPenalty) });
    }
  };
  follow({ tokens: [], score: 0 });
  return ends.sort(byScore)[0]!;
}
