/**
 * Image + prompt + candidates → how likely each candidate is: the calls of Blip2.generate, with texts that are read in the
 * place of texts that are written.
 */
import type { LanguageModel } from "./generation/language-model.ts";
import type { SeenImages } from "./generation/seen-images.ts";
import { weighCandidates } from "./generation/weigh-candidates.ts";
import type { WeighedQuestion } from "./generation/weigh-candidates.ts";
import type { CandidatesRequest, FailedGeneration, WeighedCandidates, WeighingBatching } from "./model.ts";
import { StageClock } from "./stage-clock.ts";
import type { CandidateTokenizer } from "./text/candidate-tokens.ts";
import type { VisualPrompt, VisualPrompts } from "./visual-prompts.ts";

export interface WeighingParts<Seen> {
  readonly model: LanguageModel<Seen>;
  readonly seenImages: SeenImages<Seen>;
  readonly visualPrompts: VisualPrompts;
  readonly tokenizer: CandidateTokenizer;
  /** What became of a request whose logits are not numbers. */
  readonly withoutNumbers: () => Promise<FailedGeneration>;
}

/** VisionLanguageModel.weigh; `batching` is checked. */
export async function weigh<Seen>(
  { model, seenImages, visualPrompts, tokenizer, withoutNumbers }: WeighingParts<Seen>,
  requests: readonly CandidatesRequest[],
  { size, sharePrompt, shareImages = true }: WeighingBatching,
): Promise<readonly (WeighedCandidates | FailedGeneration)[]> {
  const clocks = requests.map(() => new StageClock());
  const onTime = (request: number, latencyMs: Readonly<Record<string, number>>): void => {
    for (const [stage, ms] of Object.entries(latencyMs)) clocks[request]!.add(stage, ms);
  };
  const shown = await visualPrompts.of(requests, { size, shareImages, onTime });
  const asked: { readonly request: number; readonly question: WeighedQuestion }[] = [];
  const answers: (WeighedCandidates | FailedGeneration)[] = [];
  const lost: number[] = [];
  for (const [request, each] of requests.entries()) {
    const begun = performance.now();
    const question = questionOf(each, shown[request]!, { model, tokenizer });
    onTime(request, { tokenize: performance.now() - begun });
    if ("status" in question) answers[request] = question;
    else asked.push({ request, question });
  }
  const questions = asked.map(({ question }) => question);
  if (questions.length > 0) {
    await weighCandidates({ model, seenImages }, questions, {
      size,
      sharePrompt,
      onTime: (stage, ms, shared) => {
        for (const index of shared) onTime(asked[index]!.request, { [stage]: ms / shared.length });
      },
      onDone: (index, logProbabilities) => {
        const { request, question } = asked[index]!;
        if (logProbabilities === null) {
          lost.push(request);
          return;
        }
        const latencyMs = clocks[request]!.shares(1);
        answers[request] = { status: "weighed", logProbabilities, tokens: question.candidates, latencyMs };
      },
    });
  }
  for (const request of lost) answers[request] = await withoutNumbers();
  return answers;
}

/** Or why it cannot be asked. */
function questionOf<Seen>(
  { prompt, candidates, maxPromptTokens }: CandidatesRequest,
  shown: VisualPrompt,
  { model, tokenizer }: Pick<WeighingParts<Seen>, "model" | "tokenizer">,
): WeighedQuestion | FailedGeneration {
  if (shown.status === "failed") return shown;
  if (candidates.length === 0) return { status: "failed", error: "no candidate to choose an answer from" };
  const cut = maxPromptTokens === undefined ? undefined : { maxTokens: maxPromptTokens };
  const tokens = tokenizer.encode(prompt, candidates, cut);
  const empty = tokens.candidates.findIndex(({ length }) => length === 0);
  if (empty !== -1) {
    return { status: "failed", error: `candidate ${empty + 1}, ${JSON.stringify(candidates[empty])}, has no token` };
  }
  const refusal = model.refuse(tokens.prompt, Math.max(...tokens.candidates.map(({ length }) => length)));
  if (refusal !== null) return { status: "failed", error: refusal };
  const { key: image, softPrompt } = shown;
  return { image, softPrompt, tokens: tokens.prompt, candidates: tokens.candidates };
}
