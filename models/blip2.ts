/**
 * BLIP-2: image + prompt → text, as figure 3 of the paper. An image is encoded once for all the questions about it.
 */
import { nextTokenLogProbabilities } from "./generation/candidates.ts";
import { SeenImages } from "./generation/seen-images.ts";
import { answerGroups } from "./generation/graph-window.ts";
import { giveWay } from "./generation/generate.ts";
import type { Hypothesis } from "./generation/search.ts";
import { answerWindow } from "./generation/window.ts";
import type { Question, WindowOptions, WindowWatcher } from "./generation/window.ts";
import type { ImageEncoder } from "./image-encoder.ts";
import type { GraphLanguageModel, LanguageModel } from "./generation/language-model.ts";
import type {
  Batching,
  FailedGeneration,
  FirstStep,
  Generation,
  GenerationOptions,
  GeneratedToken,
  GenerationRequest,
  ImageFile,
  LanguageModelFamily,
  PromptSize,
  VisionLanguageModel,
} from "./model.ts";
import type { NoNumbersReason } from "./no-numbers.ts";
import { SoftPrompts } from "./soft-prompts.ts";
import type { EncodedImage } from "./soft-prompts.ts";
import { StageClock } from "./stage-clock.ts";
import { TextPieces } from "./text/text-pieces.ts";
import type { Tokenizer } from "./text/tokenizer.ts";

export interface Blip2Parts<Seen> {
  readonly name: string;
  readonly weightsBytes: number;
  readonly family: LanguageModelFamily;
  readonly encoder: ImageEncoder;
  readonly languageModel: LanguageModel<Seen> | GraphLanguageModel<Seen>;
  readonly tokenizer: Tokenizer;
  /** Of the language model: those of queries, prompt and new tokens; null: there is no last one. */
  readonly positions: number | null;
  readonly noNumbersReason: NoNumbersReason;
}

export class Blip2<Seen> implements VisionLanguageModel {
  readonly name: string;
  readonly family: LanguageModelFamily;
  readonly weightsBytes: number;
  /** Unset where a graph generates: what comes out of it are whole answers. */
  readonly firstStep?: NonNullable<VisionLanguageModel["firstStep"]>;
  readonly #parts: Blip2Parts<Seen>;
  readonly #softPrompts: SoftPrompts;
  readonly #seenImages: SeenImages<Seen>;
  /** The image of each conversation. */
  readonly #pictures = new WeakMap<object, { readonly id: string; readonly encoded: EncodedImage }>();
  #windows = 0;

  constructor(parts: Blip2Parts<Seen>) {
    this.name = parts.name;
    this.family = parts.family;
    this.weightsBytes = parts.weightsBytes;
    this.#parts = parts;
    this.#softPrompts = new SoftPrompts(parts.encoder);
    this.#seenImages = new SeenImages(parts.languageModel, { queries: parts.tokenizer.imageTokens.length });
    const { languageModel } = parts;
    if ("start" in languageModel) this.firstStep = (requests) => this.#firstStep(languageModel, requests);
  }

  async readAhead(image: ImageFile): Promise<void> {
    await this.#softPrompts.readAhead(image);
  }

  async generate(
    requests: readonly GenerationRequest[],
    options: GenerationOptions,
    batching: Batching = allAtOnce(requests.length),
  ): Promise<readonly (Generation | FailedGeneration)[]> {
    checkBatching(batching);
    if (isInterruptible(options)) await giveWay(options.signal);
    this.#windows += 1;
    const { size, onAnswer, shareImages = true } = batching;
    const answers: (Generation | FailedGeneration)[] = [];
    const answer = (request: number, given: Generation | FailedGeneration): void => {
      answers[request] = given;
      onAnswer?.(request, given);
    };
    const newTokens = options.newTokens.max;
    const clocks = requests.map(() => new StageClock());
    const keyOf = (request: number): string => {
      const { id } = requests[request]!.image;
      return shareImages ? id : `${id} for request ${request} of window ${this.#windows}`;
    };

    const pictureOf = (request: number): EncodedImage | undefined => {
      const { conversation, image } = requests[request]!;
      const picture = conversation === undefined ? undefined : this.#pictures.get(conversation);
      return picture?.id === image.id ? picture.encoded : undefined;
    };

    // An image's time is its first request's.
    const firstRequests = new Map([...requests.keys()].reverse().map((request) => [keyOf(request), request]));
    const unseen = [...requests.keys()].filter((request) => pictureOf(request) === undefined);
    const images = new Map(unseen.map((request) => [keyOf(request), requests[request]!.image]));
    const encoded = await this.#softPrompts.of(images, {
      size,
      onTime: (key, latencyMs) => {
        for (const [stage, ms] of Object.entries(latencyMs)) clocks[firstRequests.get(key)!]!.add(stage, ms);
      },
    });

    const asked: { readonly request: number; readonly question: Question }[] = [];
    for (const [request, { image, prompt, maxPromptTokens, conversation }] of requests.entries()) {
      const key = keyOf(request);
      const picture = pictureOf(request) ?? encoded.get(key)!;
      if (conversation !== undefined) this.#pictures.set(conversation, { id: image.id, encoded: picture });
      const start = performance.now();
      const question = this.#question(key, picture, { prompt, maxPromptTokens, newTokens });
      clocks[request]!.add("tokenize", performance.now() - start);
      if ("status" in question) answer(request, question);
      else asked.push({ request, question: conversation === undefined ? question : { ...question, conversation } });
    }
    if (asked.length === 0) return answers;
    if (isInterruptible(options)) await giveWay(options.signal);

    const { languageModel: model, tokenizer } = this.#parts;
    const questions = asked.map(({ question }) => question);
    const { onText } = options;
    const pieces = asked.map(() => (onText === undefined ? null : new TextPieces(tokenizer)));
    const tell = (question: number, piece: string): void => {
      if (piece !== "") onText?.(asked[question]!.request, piece);
    };
    const withoutNumbers: number[] = [];
    const window: WindowOptions & WindowWatcher = {
      ...batching,
      onTime: (stage, ms, shared) => {
        for (const question of shared) clocks[asked[question]!.request]!.add(stage, ms / shared.length);
      },
      ...(onText !== undefined && {
        onSettled: (question: number, tokens: readonly number[]) => {
          tell(question, pieces[question]!.push(tokens));
        },
      }),
      onDone: (question, [best]) => {
        const { request } = asked[question]!;
        if (best === undefined) return void withoutNumbers.push(request);
        const { tokens, score } = best;
        const start = performance.now();
        const text = tokenizer.decode(tokens);
        clocks[request]!.add("detokenize", performance.now() - start);
        tell(question, pieces[question]?.end(text) ?? "");
        const shown = options.tokenProbabilities === true && { shownTokens: shownTokens(best, text, tokenizer) };
        answer(request, { status: "predicted", text, tokens, score, latencyMs: clocks[request]!.shares(1), ...shown });
      },
    };
    const seenImages = this.#seenImages;
    if ("answer" in model) await answerGroups({ model, seenImages }, questions, options, window);
    else await answerWindow({ model, seenImages }, questions, options, window);
    for (const request of withoutNumbers) answer(request, await this.#withoutNumbers());
    return answers;
  }

  measurePrompt(prompt: string | null): PromptSize {
    const { tokenizer, positions } = this.#parts;
    return { queries: tokenizer.imageTokens.length, tokens: tokenizer.encodePrompt(prompt).length, positions };
  }

  async #firstStep(
    languageModel: LanguageModel<Seen>,
    requests: readonly GenerationRequest[],
  ): Promise<readonly (FirstStep | FailedGeneration)[]> {
    const images = new Map(requests.map(({ image }) => [image.id, image]));
    const encoded = await this.#softPrompts.of(images, { size: requests.length, onTime: () => undefined });
    const answers = requests.map(({ image, prompt, maxPromptTokens }) =>
      this.#question(image.id, encoded.get(image.id)!, { prompt, maxPromptTokens, newTokens: 1 }),
    );
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

  /** Or why it cannot be asked. */
  #question(
    image: string,
    encoded: EncodedImage,
    asked: {
      readonly prompt: string | null;
      readonly maxPromptTokens: number | undefined;
      readonly newTokens: number;
    },
  ): Question | FailedGeneration {
    if (encoded.status === "failed") return encoded;
    const { prompt, maxPromptTokens, newTokens } = asked;
    const cut = maxPromptTokens === undefined ? undefined : { maxTokens: maxPromptTokens };
    const tokens = this.#parts.tokenizer.encodePrompt(prompt, cut);
    const refusal = this.#parts.languageModel.refuse(tokens, newTokens);
    if (refusal !== null) return { status: "failed", error: refusal };
    return { image, softPrompt: encoded.softPrompt, tokens };
  }
}

/** Somebody looks on, or may stop it: those have a turn between steps. */
function isInterruptible({ onText, signal }: GenerationOptions): boolean {
  return onText !== undefined || signal !== undefined;
}

function shownTokens(
  { tokens, logProbabilities }: Hypothesis,
  text: string,
  tokenizer: Tokenizer,
): readonly GeneratedToken[] {
  if (logProbabilities === undefined) throw new RangeError("a graph that generates whole texts shows no probabilities");
  const pieces = new TextPieces(tokenizer);
  return tokens.map((id, index) => ({
    id,
    text: index === tokens.length - 1 ? pieces.end(text) : pieces.push(tokens.slice(0, index + 1)),
    probability: Math.exp(logProbabilities[index]!),
  }));
}

function allAtOnce(requests: number): Batching {
  return { size: Math.max(1, requests), refill: false, sharePrompt: false };
}

function checkBatching({ size }: Batching): void {
  if (Number.isSafeInteger(size) && size >= 1) return;
  throw new RangeError(`batching: size is ${size}, expected a whole number from 1 on.`);
}
