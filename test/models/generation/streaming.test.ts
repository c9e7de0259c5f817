/** Generated text as it comes against the reference's text at once, for the settings of the goldens; and stopping. */
import assert from "node:assert/strict";
import path from "node:path";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { GenerationOptions, VisionLanguageModel } from "../../../models/model.ts";
import { decodingOptions, goldenGeneration } from "../../support/goldens.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

const imageFolder = path.join(projectRoot, "datasets", "bundled", "val2014");
const loading = { cacheFolder, hubCache: path.join(cacheFolder, "no-hub"), threads: 1 };

for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"]) {
  describe(`text of ${name} as it comes`, () => {
    let model: VisionLanguageModel;
    const { prompts, runs } = goldenGeneration(name);
    // min_length counts OPT's prompt, which is longer, and T5's start token.
    const least = (minLength: number): number => (name.includes("opt") ? 0 : Math.max(0, minLength - 1));
    const request = (prompt: number) => {
      const { image_file, text } = prompts[prompt]!;
      return { image: { id: image_file, path: path.join(imageFolder, image_file) }, prompt: text };
    };

    before(async () => {
      model = await loadBlip2(path.join(projectRoot, "models", "bundled", name), loading);
    });
    after(() => model.release());

    for (const { settings, prompt, outputs } of runs) {
      it(`is the reference's, prompt ${prompt} with ${JSON.stringify(settings)}`, async () => {
        const pieces: string[] = [];
        const decoding = decodingOptions(settings, least);
        const [answer] = await model.generate([request(prompt)], {
          ...decoding,
          tokenProbabilities: true,
          onText: (_request, piece) => pieces.push(piece),
        });
        assert.ok(answer?.status === "predicted" && answer.shownTokens !== undefined);
        assert.equal(pieces.join(""), answer.text);
        assert.equal(answer.text, outputs[0]!.text);
        assert.deepEqual(
          answer.shownTokens.map(({ id }) => id),
          answer.tokens,
        );
        assert.equal(answer.shownTokens.map(({ text }) => text).join(""), answer.text);
        for (const { probability } of answer.shownTokens) assert.ok(probability > 0 && probability <= 1 + 1e-6);
        if (answer.score === null || decoding.repetitionPenalty !== 1) return;
        // The score is the sum of these logarithms by the length; sums of fp32, as in goldens.ts.
        const sum = answer.shownTokens.reduce((all, { probability }) => all + Math.log(probability), 0);
        assert.ok(Math.abs(answer.score * answer.tokens.length ** decoding.lengthPenalty - sum) < 1e-4);
      });
    }

    it("is the text at once when it is drawn, and for several questions together", async () => {
      const requests = [...prompts.keys()].map(request);
      const sampling = { temperature: 1, topK: null, topP: 1, seed: 3 };
      const drawn = { ...decodingOptions({ num_beams: 1, max_new_tokens: 20 }, least), sampling };
      const searched = decodingOptions({ num_beams: 5, max_new_tokens: 20 }, least);
      for (const options of [drawn, searched] as GenerationOptions[]) {
        const texts = requests.map((): string[] => []);
        const batching = { size: 4, refill: true, sharePrompt: true };
        const onText = (index: number, piece: string): void => void texts[index]!.push(piece);
        const streamed = await model.generate(requests, { ...options, onText }, batching);
        const atOnce = await model.generate(requests, options, batching);
        for (const [index, answer] of atOnce.entries()) {
          assert.ok(answer.status === "predicted");
          assert.equal(texts[index]!.join(""), answer.text);
          assert.deepEqual({ ...streamed[index], latencyMs: {} }, { ...answer, latencyMs: {} });
        }
      }
    });

    it("comes before the text is over when it is greedy", async () => {
      const seen: string[] = [];
      const options = decodingOptions({ num_beams: 1, max_new_tokens: 12, min_new_tokens: 12 }, least);
      const stop = new AbortController();
      const onText = (_request: number, piece: string): void => {
        seen.push(piece);
        if (seen.length === 3) stop.abort();
      };
      const question = { ...request(0), prompt: null };
      await assert.rejects(model.generate([question], { ...options, onText, signal: stop.signal }), {
        name: "AbortError",
      });
      assert.equal(seen.length, 3);
      const [whole] = await model.generate([question], options);
      assert.ok(whole?.status === "predicted" && whole.text.startsWith(seen.join("")));
      assert.ok(whole.text.length > seen.join("").length);
    });

    it("is not begun once it was stopped, and others' turns come between tokens", async () => {
      const options = decodingOptions({ num_beams: 5, max_new_tokens: 10, min_new_tokens: 10 }, least);
      const reason = new Error("enough");
      await assert.rejects(model.generate([request(0)], { ...options, signal: AbortSignal.abort(reason) }), reason);
      let turns = 0;
      const count = setInterval(() => (turns += 1), 0);
      const stop = new AbortController();
      await model.generate([request(0)], { ...options, signal: stop.signal });
      clearInterval(count);
      assert.ok(turns > 0);
    });
  });
}
