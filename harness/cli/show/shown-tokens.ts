/** The tokens of a sample's prompt and answer as texts, by the tokenizer of the run's checkpoint. */
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { CheckpointError } from "../../../models/model.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import type { Tokenizer } from "../../../models/text/tokenizer.ts";
import { readFirstSteps } from "../../../reports/records/first-step.ts";
import type { AnsweredRun, HeldRun } from "../../samples/answered-run.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { checkpointPlace, recordedPlace } from "../../catalog/find-checkpoint.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export interface ShownToken {
  readonly id: number;
  /** null: the tokenizer is not there. */
  readonly text: string | null;
}

export interface ShownTokens {
  /** What the model read after the image; null: not known. */
  readonly prompt: readonly ShownToken[] | null;
  readonly answer: readonly ShownToken[];
  /** The likeliest first tokens of the answer; null: the run did not keep them (--first-steps). */
  readonly firstStep: readonly (ShownToken & { readonly probability: number })[] | null;
  /** Why texts are missing; null: none are. */
  readonly problem: string | null;
}

interface Places {
  readonly catalog: Catalog;
  readonly hubCache: string;
  readonly cacheFolder: string;
}

const firstTokens = 5;

export async function shownTokens(
  { run, answered }: { readonly run: HeldRun; readonly answered: AnsweredRun | null },
  id: string,
  places: Places,
): Promise<ShownTokens | null> {
  const prediction = run.predictions.get(id);
  if (prediction?.status !== "predicted") return null;
  const found = await tokenizerOf(run, places);
  const { tokenizer } = found;
  const tokenOf = (token: number): ShownToken => ({
    id: token,
    text: tokenizer?.decode([token], { skipSpecialTokens: false }) ?? null,
  });
  const maxTokens = longestPrompt(run, answered);
  return {
    prompt: tokenizer?.encodePrompt(prediction.prompt, { maxTokens }).map(tokenOf) ?? null,
    answer: prediction.tokens.map(tokenOf),
    firstStep:
      (await firstStepOf(run, id))?.map(({ token, probability }) => ({ ...tokenOf(token), probability })) ?? null,
    problem: found.problem,
  };
}

function longestPrompt({ record }: HeldRun, answered: AnsweredRun | null): number {
  const { protocol } = record.config;
  const { family } = record.checkpoint;
  if (answered?.task.kind !== "generation" || (protocol !== "paper" && protocol !== "lavis")) return Infinity;
  if (family !== "opt" && family !== "t5") return Infinity;
  return answered.task.protocols[protocol].maxPromptTokens?.[family] ?? Infinity;
}

async function tokenizerOf(
  { record }: HeldRun,
  { catalog, hubCache, cacheFolder }: Places,
): Promise<{ readonly tokenizer: Tokenizer | null; readonly problem: string | null }> {
  try {
    const { where } = checkpointPlace(catalog, recordedPlace(record.checkpoint) ?? record.checkpoint.name);
    const { folder, config, fingerprint } = await openCheckpoint(where, { hubCache, cacheFolder });
    const found = await fingerprint();
    if (found === record.checkpoint.fingerprint)
      return { tokenizer: await loadTokenizer(folder, config), problem: null };
    return { tokenizer: null, problem: `Tokens by number only: ${where} is another checkpoint than that of the run.` };
  } catch (error) {
    if (!(error instanceof CheckpointError || error instanceof UsageError)) throw error;
    return { tokenizer: null, problem: `Tokens by number only: ${error.message}` };
  }
}

async function firstStepOf(
  { path, record }: HeldRun,
  id: string,
): Promise<readonly { readonly token: number; readonly probability: number }[] | null> {
  const found = await readFirstSteps(path, record.identity);
  if (found.status !== "found") return null;
  const { ids, vocabulary, logProbabilities } = found.steps;
  const row = ids.indexOf(id);
  if (row === -1) return null;
  const own = logProbabilities.subarray(row * vocabulary, (row + 1) * vocabulary);
  return Array.from(own.keys())
    .sort((a, b) => own[b]! - own[a]! || a - b)
    .slice(0, firstTokens)
    .map((token) => ({ token, probability: Math.exp(own[token]!) }));
}
