/** The tokens of a run's prompts and answers as texts, by the tokenizer of the run's checkpoint. */
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { CheckpointError } from "../../../models/model.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import type { Tokenizer } from "../../../models/text/tokenizer.ts";
import { readFirstSteps } from "../../../reports/records/first-step.ts";
import type { ShownToken, ShownTokens } from "../../../reports/report/sample-details.ts";
import type { AnsweredRun, HeldRun } from "../answered-run.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { checkpointPlace, recordedPlace } from "../../catalog/find-checkpoint.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Where checkpoints are looked for. */
export interface TokenizerPlaces {
  readonly catalog: Catalog;
  readonly hubCache: string;
  readonly cacheFolder: string;
}

export interface SampleTokens {
  /** By sample id; null: the sample has no generated answer. */
  readonly of: (id: string) => ShownTokens | null;
  /** Why texts are missing; null: none are. */
  readonly problem: string | null;
}

const firstTokens = 5;

export async function sampleTokensOf(
  { run, answered }: { readonly run: HeldRun; readonly answered: AnsweredRun | null },
  places: TokenizerPlaces,
): Promise<SampleTokens> {
  if (![...run.predictions.values()].some(({ status }) => status === "predicted")) {
    return { of: () => null, problem: null };
  }
  const { tokenizer, problem } = await tokenizerOf(run, places);
  const firstStepOf = await firstStepsOf(run);
  const maxTokens = longestPrompt(run, answered);
  const tokenOf = (token: number): ShownToken => ({
    id: token,
    text: tokenizer?.decode([token], { skipSpecialTokens: false }) ?? null,
  });
  const of = (id: string): ShownTokens | null => {
    const prediction = run.predictions.get(id);
    if (prediction?.status !== "predicted") return null;
    return {
      prompt: tokenizer?.encodePrompt(prediction.prompt, { maxTokens }).map(tokenOf) ?? null,
      answer: prediction.tokens.map(tokenOf),
      firstStep: firstStepOf(id)?.map(({ token, probability }) => ({ ...tokenOf(token), probability })) ?? null,
    };
  };
  return { of, problem };
}

function longestPrompt({ record }: HeldRun, answered: AnsweredRun | null): number {
  const { protocol } = record.config;
  const { family } = record.checkpoint;
  if (
    answered?.task.kind !== "generation" ||
    answered.otherTask !== null ||
    (protocol !== "paper" && protocol !== "lavis")
  )
    return Infinity;
  if (family !== "opt" && family !== "t5") return Infinity;
  return answered.task.protocols[protocol].maxPromptTokens?.[family] ?? Infinity;
}

async function tokenizerOf(
  { record }: HeldRun,
  { catalog, hubCache, cacheFolder }: TokenizerPlaces,
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

type LikelyToken = { readonly token: number; readonly probability: number };

/** The likeliest first tokens by sample id; null: not kept of that sample. */
async function firstStepsOf({ path, record }: HeldRun): Promise<(id: string) => readonly LikelyToken[] | null> {
  const found = await readFirstSteps(path, record.identity);
  if (found.status !== "found") return () => null;
  const { ids, vocabulary, logProbabilities } = found.steps;
  const rows = new Map(ids.map((id, row) => [id, row]));
  return (id) => {
    const row = rows.get(id);
    if (row === undefined) return null;
    const own = logProbabilities.subarray(row * vocabulary, (row + 1) * vocabulary);
    return Array.from(own.keys())
      .sort((a, b) => own[b]! - own[a]! || a - b)
      .slice(0, firstTokens)
      .map((token) => ({ token, probability: Math.exp(own[token]!) }));
  };
}
