/**
 * BLIP-2: image + prompt → text, as figure 3 of the paper.
 *
 *   image ─► image encoder ─► Q-Former ─► projection ─► soft visual prompt ─┐
 *   prompt ─► tokenizer ──────────────────────────────────────► tokens ─────┴─► language model ─► text
 */
import { nextTokenLogProbabilities } from "./generation/candidates.ts";
import { answerGroups } from "./generation/graph-window.ts";
import { giveWay } from "./generation/generate.ts";
import type { GraphLanguageModel, LanguageModel } from "./generation/language-model.ts";
import { SeenImages } from "./generation/seen-images.ts";
import type { EncodedRequest } from "./generation/seen-images.ts";
import { answerWindow } from "./generation/window.ts";
import { WindowRecord } from "./window-record.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type {
  Batching,
  FailedGeneration,
  FirstStep,
  Generation,
  GenerationOptions,
  GenerationRequest,
  ImageFile,
  PromptSize,
  VisionLanguageModel,
  WriterFamily,
} from "./model.ts";
import type { NoNumbersReason } from "./no-numbers.ts";
import { CandidateTokenizer } from "./text/candidate-tokens.ts";
import type { Tokenizer } from "./text/tokenizer.ts";
import { VisualPrompts } from "./visual-prompts.ts";
import type { VisualPrompt } from "./visual-prompts.ts";
import { weigh } from "./weigh.ts";

export interface Blip2Parts<Seen> {
  readonly name: string;
  readonly weightsBytes: number;
  readonly family: WriterFamily;
  readonly encoder: ImageEncoder;
  readonly languageModel: LanguageModel<Seen> | GraphLanguageModel<Seen>;
  readonly tokenizer: Tokenizer;
  /** Of the language model: those of queries, prompt and new tokens; null: there is no last one. */
  readonly positions: number | null;
  readonly noNumbersReason: NoNumbersReason;
}

export class Blip2<Seen> implements VisionLanguageModel {
  readonly kind = "generation";
  readonly name: string;
  readonly family: WriterFamily;
  readonly weightsBytes: number;
  /** Unset where a graph generates: what comes out of it are whole answers. */
  readonly firstStep?: NonNullable<VisionLanguageModel["firstStep"]>;
  readonly weigh?: NonNullable<VisionLanguageModel["weigh"]>;
  readonly #parts: Blip2Parts<Seen>;
  readonly #visualPrompts: VisualPrompts;
  readonly #seenImages: SeenImages<Seen>;

  constructor(parts: Blip2Parts<Seen>) {
    this.name = parts.name;
    this.family = parts.family;
    this.weightsBytes = parts.weightsBytes;
    this.#parts = parts;
    this.#visualPrompts = new VisualPrompts(parts.encoder);
    this.#seenImages = new SeenImages(parts.languageModel, { queries: parts.tokenizer.imageTokens.length });
    const { languageModel } = parts;
    if ("start" in languageModel) {
      this.firstStep = (requests) => this.#firstStep(languageModel, requests);
      const weighing = {
        model: languageModel,
        seenImages: this.#seenImages,
        visualPrompts: this.#visualPrompts,
        tokenizer: new CandidateTokenizer(parts.tokenizer, parts.family),
        withoutNumbers: () => this.#withoutNumbers(),
      };
      this.weigh = async (requests, batching = allAtOnce(requests.length)) => {
        checkBatching(batching);
        return weigh(weighing, requests, batching);
      };
    }
  }

  async readAhead(image: ImageFile): Promise<void> {
    await this.#visualPrompts.readAhead(image);
  }

  async generate(
    requests: readonly GenerationRequest[],
    options: GenerationOptions,
    batching: Batching = allAtOnce(requests.length),
  ): Promise<readonly (Generation | FailedGeneration)[]> {
    checkBatching(batching);
    const { tokenizer } = this.#parts;
    const window = new WindowRecord(requests.length, { tokenizer, options, onAnswer: batching.onAnswer });
    const visualPrompts = await this.#see(requests, { options, batching, window });
    const questions = this.#read(requests, visualPrompts, { options, window });
    await this.#answer(questions, { options, batching, window });
    await this.#explain(window);
    return window.answers;
  }

  /** Images → what the language model is shown of each: image encoder, Q-Former, projection. */
  async #see(
    requests: readonly GenerationRequest[],
    { options, batching, window }: AskedWindow,
  ): Promise<readonly VisualPrompt[]> {
    await giveTurn(options);
    const { size, shareImages = true } = batching;
    const onTime = window.addTimes.bind(window); // an image's time is its first request's
    return this.#visualPrompts.of(requests, { size, shareImages, onTime });
  }

  /** Prompts → tokens that stand behind what is shown. Requests that cannot be asked have their answer. */
  #read(
    requests: readonly GenerationRequest[],
    visualPrompts: readonly VisualPrompt[],
    { options, window }: Omit<AskedWindow, "batching">,
  ): readonly AskedQuestion[] {
    const newTokens = options.newTokens.max;
    return requests.flatMap((asked, request) => {
      const question = window.timed(request, "tokenize", () =>
        this.#question(asked, visualPrompts[request]!, newTokens),
      );
      if (!("status" in question)) return [{ request, question }];
      window.answer(request, question);
      return [];
    });
  }

  /** What is shown and tokens → text: the language model. */
  async #answer(asked: readonly AskedQuestion[], { options, batching, window }: AskedWindow): Promise<void> {
    if (asked.length === 0) return;
    await giveTurn(options);
    const { languageModel: model } = this.#parts;
    const seenImages = this.#seenImages;
    const questions = asked.map(({ question }) => question);
    const watched = { ...batching, ...window.watcher(asked.map(({ request }) => request)) };
    if ("answer" in model) await answerGroups({ model, seenImages }, questions, options, watched);
    else await answerWindow({ model, seenImages }, questions, options, watched);
  }

  /** Why logits were no numbers, where they were. */
  async #explain(window: WindowRecord): Promise<void> {
    for (const request of window.withoutNumbers) window.answer(request, await this.#withoutNumbers());
  }

  measurePrompt(prompt: string | null): PromptSize {
    const { tokenizer, positions } = this.#parts;
    return { queries: tokenizer.imageTokens.length, tokens: tokenizer.encodePrompt(prompt).length, positions };
  }

  async #firstStep(
    languageModel: LanguageModel<Seen>,
    requests: readonly GenerationRequest[],
  ): Promise<readonly (FirstStep | FailedGeneration)[]> {
    const encoding = { size: requests.length, shareImages: true, onTime: () => undefined };
    const visualPrompts = await this.#visualPrompts.of(requests, encoding);
    const answers = requests.map((request, index) => this.#question(request, visualPrompts[index]!, 1));
    const questions = answers.flatMap((answer) => ("status" in answer ? [] : [answer]));
    if (questions.length === 0) return answers.flatMap((answer) => ("status" in answer ? [answer] : []));
    this.#seenImages.open([]);
    await this.#seenImages.show(questions, { needed: questions.length, most: questions.length });
    const prompts = questions.map((question) => ({ seen: this.#seenImages.of(question), ...question }));
    const { hidden } = await languageModel.start(prompts, { beams: 1, newTokens: 1 });
    const ranked = await nextTokenLogProbabilities(languageModel.head, hidden);
    const ends = answers.map(async (answer): Promise<FirstStep | FailedGeneration> => {
      if ("status" in answer) return answer;
      const logProbabilities = ranked[questions.indexOf(answer)]!;
      return logProbabilities.some(Number.isNaN) ? this.#withoutNumbers() : { status: "ranked", logProbabilities };
    });
    return Promise.all(ends);
  }

  async #withoutNumbers(): Promise<FailedGeneration> {
    return { status: "failed", error: await this.#parts.noNumbersReason("the language model's logits") };
  }

  async release(): Promise<void> {
    this.#seenImages.keep(new Set());
    await this.#parts.encoder.release();
    await this.#parts.languageModel.release();
  }

  /** Or why it cannot be asked. `newTokens`: at most. */
  #question(
    { prompt, maxPromptTokens, conversation }: GenerationRequest,
    visualPrompt: VisualPrompt,
    newTokens: number,
  ): EncodedRequest | FailedGeneration {
    if (visualPrompt.status === "failed") return visualPrompt;
    const cut = maxPromptTokens === undefined ? undefined : { maxTokens: maxPromptTokens };
    const tokens = this.#parts.tokenizer.encodePrompt(prompt, cut);
    const refusal = this.#parts.languageModel.refuse(tokens, newTokens);
    if (refusal !== null) return { status: "failed", error: refusal };
    const { key: image, softPrompt } = visualPrompt;
    return { image, softPrompt, tokens, ...(conversation !== undefined && { conversation }) };
  }
}

interface AskedWindow {
  readonly options: GenerationOptions;
  readonly batching: Batching;
  readonly window: WindowRecord;
}

interface AskedQuestion {
  /** Its place in the window. */
  readonly request: number;
  readonly question: EncodedRequest;
}

/** Who looks on, or may stop it, has a turn. Throws the signal's reason. */
async function giveTurn({ onText, signal }: GenerationOptions): Promise<void> {
  if (onText !== undefined || signal !== undefined) await giveWay(signal);
}

function allAtOnce(requests: number): Batching {
  return { size: Math.max(1, requests), refill: false, sharePrompt: false };
}

function checkBatching({ size }: Pick<Batching, "size">): void {
  if (Number.isSafeInteger(size) && size >= 1) return;
  throw new RangeError(`batching: size is ${size}, expected a whole number from 1 on.`);
}
