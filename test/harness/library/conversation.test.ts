/**
 * Conversations: the reference example's prompt, the room a language model has, and answers that are the same whether the
 * turns before were kept (fast) or the whole prompt is run at once (the oracle).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { loadCheckpoint, UsageError } from "../../../harness/library/api.ts";
import type { Conversation, GeneratingCheckpoint, TextOptions } from "../../../harness/library/api.ts";
import { conversing } from "../../../tasks/own-image.ts";
import { SeenImages } from "../../../models/generation/seen-images.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

const image = path.join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
const other = path.join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000001177.jpg");
const questions = ["what color is the square?", "How many crosses?", "is there a star: a red one?", "where?", "why?"];

export async function generating(name: string): Promise<GeneratingCheckpoint> {
  const checkpoint = await loadCheckpoint(name, {
    cacheFolder,
    hubCache: path.join(cacheFolder, "no-hub"),
    threads: 1,
  });
  assert.ok(checkpoint.kind === "generation");
  return checkpoint;
}

describe("the prompt of a conversation", () => {
  it("is the reference example's, word for word", () => {
    const turns = [
      { question: "which city is this?", answer: "singapore" },
      { question: "why?", answer: "it has a statue of a merlion" },
    ];
    assert.equal(
      conversing.prompt(turns, "where is the name merlion coming from?"),
      "Question: which city is this? Answer: singapore. Question: why? Answer: it has a statue of a merlion. " +
        "Question: where is the name merlion coming from? Answer:",
    );
    assert.equal(conversing.prompt([], "which city is this?"), "Question: which city is this? Answer:");
  });
});

for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-base"]) {
  describe(`a conversation with ${name}`, () => {
    let checkpoint: GeneratingCheckpoint;
    before(async () => {
      checkpoint = await generating(name);
    });
    after(() => checkpoint.release());

    const ways: readonly TextOptions[] = [
      {},
      { beams: 5, maxNewTokens: 6 },
      { sampling: { seed: 4 }, maxNewTokens: 6 },
    ];
    for (const way of ways) {
      it(`answers as the whole prompt at once does, with ${JSON.stringify(way)}`, async () => {
        const options = { ...way, tokenProbabilities: true };
        const chat = checkpoint.chat(image, options);
        for (const question of questions) {
          const prompt = chat.prompt(question);
          const answer = await chat.ask(question);
          const whole = await checkpoint.caption(image, { ...defaults(), ...options, prompt });
          assert.equal(answer.text, whole.text);
          assert.deepEqual(
            answer.tokens?.map(({ id }) => id),
            whole.tokens?.map(({ id }) => id),
          );
          for (const [index, { probability }] of whole.tokens!.entries()) {
            // fp32 sums in another order, as in networks.test.ts
            assert.ok(Math.abs(answer.tokens![index]!.probability - probability) < 1e-4);
          }
          assert.deepEqual(chat.turns.at(-1), { question, answer: answer.text });
        }
      });
    }

    it("encodes the image once, whoever asks in between, and a new one anew", async () => {
      await checkpoint.caption(other, { maxNewTokens: 2, minNewTokens: 0, beams: 1 });
      const chat = checkpoint.chat(image);
      const stages = async (question: string): Promise<readonly string[]> =>
        Object.keys((await chat.ask(question)).latencyMs).filter((stage) => ["vision", "prefix"].includes(stage));
      assert.deepEqual(await stages("what is it?"), ["vision", "prefix"]);
      await checkpoint.caption(other, { maxNewTokens: 2, minNewTokens: 0, beams: 1 });
      // What T5 keeps of an image is its soft prompt, which is at hand.
      assert.deepEqual(await stages("and what color?"), checkpoint.family === "opt" ? [] : ["prefix"]);
      chat.image(other);
      assert.deepEqual(chat.turns, []);
      await checkpoint.caption(image, { maxNewTokens: 2, minNewTokens: 0, beams: 1 });
      assert.ok((await stages("what is it?")).includes("vision"));
      assert.equal(chat.toJSON().image, other);
    });

    it("takes turns back, forgets them, and begins as if nothing had been said", async () => {
      const chat = checkpoint.chat(image);
      const first = await chat.ask(questions[0]!);
      await chat.ask(questions[1]!);
      assert.equal(chat.undo()?.question, questions[1]);
      assert.equal(chat.prompt("where?"), `Question: ${questions[0]!} Answer: ${first.text}. Question: where? Answer:`);
      chat.reset();
      assert.equal(chat.undo(), null);
      assert.equal((await chat.ask(questions[0]!)).text, first.text);
      assert.deepEqual(JSON.parse(JSON.stringify(chat)), {
        model: name,
        precision: "fp32",
        image,
        turns: [{ question: questions[0], answer: first.text }],
      });
    });

    it("keeps no turn of an answer that was stopped, and goes on", async () => {
      const chat = checkpoint.chat(image, { minNewTokens: 20 });
      await chat.ask(questions[0]!);
      const stop = new AbortController();
      const asked = chat.ask("tell me more", {
        signal: stop.signal,
        onText: () => {
          stop.abort();
        },
      });
      await assert.rejects(asked, { name: "AbortError" });
      assert.equal(chat.turns.length, 1);
      const next = await chat.ask("where?");
      const fresh = checkpoint.chat(image, { minNewTokens: 20 });
      await fresh.ask(questions[0]!);
      assert.equal(next.text, (await fresh.ask("where?")).text);
    });

    it("asks one question after the other when several come at once", async () => {
      const chat = checkpoint.chat(image);
      const prompts = await Promise.all(questions.map(async (question) => [question, (await chat.ask(question)).text]));
      assert.deepEqual(
        chat.turns.map(({ question, answer }) => [question, answer]),
        prompts,
      );
    });
  });
}

/** As `caption` is told to generate what a conversation does. */
function defaults(): TextOptions {
  const { beams, newTokens, lengthPenalty } = conversing.decoding;
  return { beams, minNewTokens: newTokens.min, maxNewTokens: newTokens.max, lengthPenalty };
}

describe("a conversation that outgrows its language model", () => {
  let checkpoint: GeneratingCheckpoint;
  before(async () => {
    checkpoint = await generating("shapes-opt-base");
  });
  after(() => checkpoint.release());

  const positions = (
    JSON.parse(readFileSync(path.join(projectRoot, "models", "bundled", "shapes-opt-base", "config.json"), "utf8")) as {
      text_config: { max_position_embeddings: number };
    }
  ).text_config.max_position_embeddings;

  async function talk(chat: Conversation, turns: number): Promise<readonly number[]> {
    const dropped: number[] = [];
    for (let turn = 0; turn < turns; turn += 1)
      dropped.push((await chat.ask(`is there a red star of kind ${turn}?`)).droppedTurns);
    return dropped;
  }

  it("leaves the oldest turns out, says how many, and answers as the prompt without them does", async () => {
    const chat = checkpoint.chat(image);
    const dropped = await talk(chat, 12);
    assert.equal(chat.turns.length, 12);
    assert.equal(dropped[0], 0);
    assert.ok(dropped.at(-1)! > 0);
    for (const [turn, count] of dropped.entries()) assert.ok(turn === 0 || count >= dropped[turn - 1]!);
    const prompt = chat.prompt("where?");
    const asked = [...prompt.matchAll(/of kind (\d+)\?/g)].map(([, turn]) => Number(turn));
    assert.deepEqual(asked, [...dropped.keys()].slice(-asked.length));
    assert.ok(asked.length > 0 && asked.length < 12 && asked[0]! >= dropped.at(-1)!);
    const { text } = await chat.ask("where?");
    assert.equal(text, (await checkpoint.caption(image, { ...defaults(), prompt })).text);
  });

  it("drops no turn that there is room for", async () => {
    const few = checkpoint.chat(image, { maxNewTokens: 2 });
    const many = checkpoint.chat(image, { maxNewTokens: 60 });
    assert.ok((await talk(few, 7)).at(-1)! < (await talk(many, 7)).at(-1)!);
  });

  it("refuses a question that is too long by itself", async () => {
    const chat = checkpoint.chat(image);
    const long = "is there a red star? ".repeat(40);
    const said = new RegExp(
      `^question: 12 queries \\+ \\d+ prompt tokens \\+ 30 new = \\d+ positions, expected at most ${positions}\\.`,
    );
    await assert.rejects(chat.ask(long), { message: said });
    assert.throws(() => chat.prompt(long), { message: said });
    assert.throws(() => chat.prompt("  "), new UsageError('question: found "  ", expected words.'));
    assert.deepEqual(chat.turns, []);
  });
});

describe("what is kept of a conversation", () => {
  const conversation = {};
  const question = (...tokens: number[]) => ({ image: "1", softPrompt: Float32Array.of(0), tokens, conversation });
  let seen: SeenImages<string>;
  beforeEach(() => {
    const see = (): Promise<readonly string[]> => Promise.resolve(["image"]);
    seen = new SeenImages({ see, shorten: (kept, tokens) => `${kept} and ${tokens} tokens` }, { queries: 1 });
    seen.open([]);
    seen.keepPrompt(question(2, 5, 6, 7), "image, 2 5 6 7");
  });

  it("is what the next prompt begins with, whatever the tokenizer joins across the seam", () => {
    assert.equal(seen.of(question(2, 5, 6, 7, 8, 9)), "image, 2 5 6 7 and 4 tokens");
    assert.equal(seen.of(question(2, 5, 66, 8)), "image, 2 5 6 7 and 2 tokens");
  });

  it("leaves the last token to run, which says what comes next", () => {
    assert.equal(seen.of(question(2, 5, 6, 7)), "image, 2 5 6 7 and 3 tokens");
    assert.equal(seen.of(question(2, 5)), "image, 2 5 6 7 and 1 tokens");
  });

  it("needs no image shown, unless it is another one, or another conversation", async () => {
    const options = { needed: 1, most: 1 };
    assert.deepEqual(await seen.show([question(2, 5, 6, 8)], options), []);
    assert.deepEqual(await seen.show([{ ...question(2, 5, 6, 8), image: "2" }], options), [0]);
    assert.deepEqual(await seen.show([{ ...question(2, 5, 6, 8), conversation: {} }], options), [0]);
  });

  it("is nothing where prompts are read whole", async () => {
    const whole = new SeenImages({ see: () => Promise.resolve(["image"]) }, { queries: 1 });
    whole.keepPrompt(question(2, 5, 6, 7), "image, 2 5 6 7");
    await whole.show([question(2, 5, 6, 8)], { needed: 1, most: 1 });
    assert.equal(whole.of(question(2, 5, 6, 8)), "image");
  });
});
