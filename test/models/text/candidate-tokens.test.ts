/** Where a prompt ends and a candidate begins: as lm-evaluation-harness cuts the tokens of both together. */
import assert from "node:assert/strict";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { CandidateTokenizer } from "../../../models/text/candidate-tokens.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import type { Tokenizer } from "../../../models/text/tokenizer.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { cacheFolder } from "../../support/project.ts";

async function tokenizerOf(name: string): Promise<Tokenizer> {
  const { folder, config } = await openCheckpoint(bundledCheckpoint(name), { cacheFolder, hubCache: "" });
  return loadTokenizer(folder, config);
}

const prompts = [
  "Question: what is it? Answer:",
  "Question: what is it? Answer: ",
  "Answer",
  "a\nphoto   of  ",
  "it isn't",
  "costs 12",
  "word,",
  "",
  " ",
];
const candidates = ["red", "red circle", "12", "'s", "n't so", " spaced", "Yes.", "…", "naïve", "a\tb", "</s>"];

describe("tokens of candidates", () => {
  it("behind a prompt are those of both together without as many as the prompt has, for OPT", async () => {
    const tokenizer = await tokenizerOf("shapes-opt-base");
    const cut = new CandidateTokenizer(tokenizer, "opt");
    for (const prompt of prompts) {
      const kept = prompt.trimEnd();
      const before = tokenizer.encode(kept, { specialTokens: true });
      const expected = candidates.map((candidate) => {
        const whole = `${kept}${prompt.slice(kept.length)} ${candidate}`;
        return tokenizer.encode(whole, { specialTokens: true }).slice(before.length);
      });
      const found = [cut.encode(prompt, candidates), cut.encode(prompt, candidates)]; // made, and then kept
      for (const each of found)
        assert.deepEqual(each, { prompt: before, candidates: expected }, JSON.stringify(prompt));
    }
  });

  it("are a text of their own for T5, without an end token, behind a prompt that has one", async () => {
    const tokenizer = await tokenizerOf("shapes-t5-base");
    const cut = new CandidateTokenizer(tokenizer, "t5");
    for (const prompt of prompts) {
      const kept = prompt.trimEnd();
      assert.deepEqual(cut.encode(prompt, candidates), {
        prompt: tokenizer.encode(kept, { specialTokens: true }),
        candidates: candidates.map((candidate) =>
          tokenizer.encode(`${prompt.slice(kept.length)} ${candidate}`, { specialTokens: false }),
        ),
      });
    }
  });

  it("begin the text where there is no prompt", async () => {
    const tokenizer = await tokenizerOf("shapes-opt-base");
    const { prompt, candidates: found } = new CandidateTokenizer(tokenizer, "opt").encode(null, ["a photo"]);
    assert.deepEqual(prompt, tokenizer.encodePrompt(null));
    assert.deepEqual(found, [tokenizer.encode("a photo", { specialTokens: false })]);
  });

  it("stay where a long prompt is cut", async () => {
    const cut = new CandidateTokenizer(await tokenizerOf("shapes-opt-base"), "opt");
    const whole = cut.encode("Question: what is it? Answer:", ["red"]);
    const short = cut.encode("Question: what is it? Answer:", ["red"], { maxTokens: 4 });
    assert.deepEqual(short, { prompt: whole.prompt.slice(0, 4), candidates: whole.candidates });
  });
});
