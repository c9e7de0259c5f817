/** The library: the goldens come out of it, its examples run, and what it cannot use is named. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CheckpointError, ImageError, loadCheckpoint, UsageError } from "blip2-bench";
import type { CheckpointOptions, GeneratingCheckpoint, MatchingCheckpoint } from "blip2-bench";
import { goldenJson } from "../../support/goldens.ts";
import { ItmGoldens } from "../../support/goldens-itm.ts";
import { environment, runProcess } from "../../support/command-process.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const imageFolder = path.join(projectRoot, "datasets", "bundled", "val2014");
const fileOf = (id: number): string => path.join(imageFolder, `COCO_val2014_${String(id).padStart(12, "0")}.jpg`);
const loading: CheckpointOptions = { cacheFolder, hubCache: path.join(cacheFolder, "no-hub"), threads: 1 };
const questions = (
  JSON.parse(
    readFileSync(path.join(projectRoot, "datasets", "bundled", "v2_OpenEnded_mscoco_val2014_questions.json"), "utf8"),
  ) as { questions: { question_id: number; image_id: number; question: string }[] }
).questions.slice(0, 12);

async function generating(name: string): Promise<GeneratingCheckpoint> {
  const checkpoint = await loadCheckpoint(name, loading);
  assert.ok(checkpoint.kind === "generation");
  return checkpoint;
}

for (const name of ["shapes-opt-base", "shapes-t5-base"]) {
  describe(`the library with ${name}`, () => {
    let checkpoint: GeneratingCheckpoint;
    before(async () => {
      checkpoint = await generating(name);
    });
    after(() => checkpoint.release());

    it("captions as the reference does, from paths and from bytes, with the text as it comes", async () => {
      const plain = goldenJson(name, "caption_results.json") as { image_id: number; caption: string }[];
      for (const { image_id, caption } of plain.slice(0, 6)) {
        let streamed = "";
        const { text, firstTextMs, tokens } = await checkpoint.caption(fileOf(image_id), {
          onText: (piece) => (streamed += piece),
        });
        assert.deepEqual([text, streamed, tokens], [caption, caption, null]);
        assert.ok(firstTextMs !== null && firstTextMs > 0);
      }
      const prompted = goldenJson(name, "caption_prompted_results.json") as typeof plain;
      for (const { image_id, caption } of prompted.slice(0, 6)) {
        const bytes = readFileSync(fileOf(image_id));
        const { text, firstTextMs } = await checkpoint.caption(bytes, { prompt: "a photo of" });
        assert.deepEqual([text, firstTextMs], [caption, null]);
      }
    });

    it("answers as the reference does, several at once in their order", async () => {
      const goldens = goldenJson(name, "vqa_results.json") as { question_id: number; answer: string }[];
      const order: number[] = [];
      const answers = await Promise.all(
        questions.map(async ({ image_id, question, question_id }) => {
          const { text } = await checkpoint.ask(fileOf(image_id), question);
          order.push(question_id);
          return text;
        }),
      );
      const expected = questions.map((each) => goldens.find((golden) => golden.question_id === each.question_id));
      assert.deepEqual(
        answers,
        expected.map((golden) => golden?.answer.trim()),
      );
      assert.deepEqual(
        order,
        questions.map(({ question_id }) => question_id),
      );
    });

    it("draws the same text for the same seed, and others for others", async () => {
      const texts = await Promise.all(
        [1, 1, 2, 3].map(
          async (seed) => (await checkpoint.caption(fileOf(108), { sampling: { seed, topP: 0.9 } })).text,
        ),
      );
      assert.equal(texts[0], texts[1]);
      assert.ok(new Set(texts).size > 1);
    });

    it("looks at a file anew when it has changed", async () => {
      const file = path.join(temporaryFolder(), "photo.jpg");
      const [first, second] = goldenJson(name, "caption_results.json") as { image_id: number; caption: string }[];
      for (const { image_id, caption } of [first!, second!]) {
        writeFileSync(file, readFileSync(fileOf(image_id)));
        assert.equal((await checkpoint.caption(file)).text, caption);
      }
    });
  });
}

describe("the library with shapes-itm", () => {
  let checkpoint: MatchingCheckpoint;
  before(async () => {
    const loaded = await loadCheckpoint("shapes-itm", loading);
    assert.ok(loaded.kind === "retrieval");
    checkpoint = loaded;
  });
  after(() => checkpoint.release());

  it("matches as the reference does, whatever was matched before", async () => {
    const pairs = goldenJson("shapes-itm", "pairs.json") as { image_file: string; raw: string }[];
    const goldens = await ItmGoldens.of("tensors");
    await checkpoint.match(fileOf(1177), ["a blue star"]);
    const [own, other] = await checkpoint.match(path.join(imageFolder, pairs[0]!.image_file), [
      pairs[0]!.raw,
      "a blue star",
    ]);
    const [no = 0, yes = 0] = await goldens.floats("pair0.itm_logits");
    const [similarity = 0] = await goldens.floats("itc.logits_per_image");
    // fp32 sums in another order: 1e-4, as in networks-itm.test.ts
    assert.ok(Math.abs(own!.matchingLogit - yes) < 1e-4);
    assert.ok(Math.abs(own!.matching - 1 / (1 + Math.exp(no - yes))) < 1e-4);
    assert.ok(Math.abs(own!.similarity - similarity) < 1e-4);
    assert.deepEqual([own!.text, other!.text], [pairs[0]!.raw, "a blue star"]);
    assert.deepEqual(await checkpoint.match(fileOf(108), []), []);
  });

  it("says what it cannot use", async () => {
    await assert.rejects(checkpoint.match("no.jpg", ["a"]), ImageError);
    const wrong = { likelihood: "yes" } as unknown as { likelihood: boolean };
    await assert.rejects(
      checkpoint.match(fileOf(108), ["a"], wrong),
      /^UsageError: likelihood: found "yes", expected true or false\.$/,
    );
    await assert.rejects(
      checkpoint.match(fileOf(108), ["a"], { likelihood: true }),
      /shapes-itm: its Q-Former has no head/,
    );
    const damaged = readFileSync(fileOf(108)).subarray(0, 300);
    await assert.rejects(checkpoint.match(damaged, ["a"]), {
      name: "ImageError",
      message: /^the image: the JPEG file of 300 bytes is truncated/,
    });
    await assert.rejects(
      checkpoint.match(fileOf(108), "a" as unknown as string[]),
      new UsageError("texts: found something else, expected a list of texts."),
    );
  });
});

describe("the library says what is wrong", () => {
  let checkpoint: GeneratingCheckpoint;
  before(async () => {
    checkpoint = await generating("shapes-opt-small");
  });

  const badLoading: readonly [where: string, options: object, kind: new () => Error, message: string | RegExp][] = [
    ["no-such", {}, UsageError, /^no-such: no such checkpoint\. Checkpoints: /],
    ["./no-such", {}, CheckpointError, /^\.\/no-such: no such folder\./],
    ["shapes-itm", { precison: "int8" }, UsageError, /^precison: no such option\. Did you mean precision\?/],
    ["shapes-itm", { precision: "int5" }, CheckpointError, /int5/],
    [
      "shapes-itm",
      { device: "tpu" },
      UsageError,
      'device: found "tpu", expected auto, cpu, cuda, webgpu, coreml or dml.',
    ],
    ["shapes-itm", { deviceId: 1 }, UsageError, /^--device-id 1: needs --device cuda or --device dml/],
    ["shapes-itm", { device: "dml" }, UsageError, /^--device dml: it does not start: /],
    ["shapes-itm", { threads: 0 }, UsageError, 'threads: found "0", expected a whole number from 1.'],
    ["shapes-itm", { maxPixels: 1.5 }, UsageError, 'maxPixels: found "1.5", expected a whole number from 1.'],
  ];
  for (const [where, options, kind, message] of badLoading) {
    it(`loading ${where} with ${JSON.stringify(options)}`, async () => {
      const refused = (error: unknown): boolean => error instanceof kind;
      await assert.rejects(loadCheckpoint(where, { ...loading, ...options }), (error: Error) => {
        assert.ok(refused(error), String(error));
        if (typeof message === "string") assert.equal(error.message, message);
        else assert.match(error.message, message);
        return true;
      });
    });
  }

  const badOptions: readonly [options: object, message: string][] = [
    [{ beams: 0 }, 'beams: found "0", expected a whole number from 1.'],
    [{ beams: "5" }, 'beams: found "5", expected a whole number from 1.'],
    [{ beams: 5, sampling: {} }, "beams: found 5 with text that is drawn, expected 1. Leave one of the two out."],
    [{ protocol: "vqa" }, 'protocol: found "vqa", expected paper or lavis.'],
    [{ maxNewTokens: 0 }, 'maxNewTokens: found "0", expected a whole number from 1.'],
    [{ lengthPenalty: Number.NaN }, 'lengthPenalty: found "NaN", expected a number.'],
    [{ repetitionPenalty: 0 }, 'repetitionPenalty: found "0", expected a number above 0; 1 is none.'],
    [{ earlyStopping: "always" }, 'earlyStopping: found "always", expected true, false or never.'],
    [{ sampling: { temperature: 0 } }, 'sampling.temperature: found "0", expected a number above 0.'],
    [{ sampling: { topP: 1.1 } }, 'sampling.topP: found "1.1", expected a number above 0, at most 1.'],
    [{ sampling: { topK: 0 } }, 'sampling.topK: found "0", expected a whole number from 1.'],
    [
      { sampling: { seed: 2 ** 32 } },
      'sampling.seed: found "4294967296", expected a whole number from 0 to 4294967295.',
    ],
    [
      { sampling: { tempreature: 1 } },
      "sampling.tempreature: no such option. Did you mean temperature? Options: temperature, topP, topK, seed.",
    ],
    [
      { minNewTokens: 9, maxNewTokens: 8 },
      "minNewTokens: at least 9 new tokens and at most 8 cannot both be. Give minNewTokens and maxNewTokens together.",
    ],
  ];
  for (const [options, message] of badOptions) {
    it(`asking with ${JSON.stringify(options)}`, async () => {
      await assert.rejects(checkpoint.ask(fileOf(108), "what?", options), new UsageError(message));
    });
  }

  it("of images, questions and prompts, and goes on", async () => {
    await assert.rejects(checkpoint.ask(fileOf(108), " "), new UsageError('question: found " ", expected words.'));
    const empty = {
      name: "ImageError",
      message: "the image: the file is empty, expected an image. Download it again.",
    };
    await assert.rejects(checkpoint.caption(new Uint8Array()), empty);
    await assert.rejects(
      checkpoint.caption(5 as unknown as string),
      new UsageError("image: found number, expected a path or a file's bytes."),
    );
    await assert.rejects(checkpoint.caption(fileOf(108), { prompt: "a photo of ".repeat(60) }), {
      name: "UsageError",
      message:
        /^prompt: 8 queries \+ \d+ prompt tokens \+ 30 new = \d+ positions, the language model has 128\. Use fewer words/,
    });
    await assert.rejects(checkpoint.caption(fileOf(108), { signal: AbortSignal.abort() }), { name: "AbortError" });
    assert.notEqual((await checkpoint.caption(fileOf(108))).text, "");
  });

  it("of a checkpoint that was released", async () => {
    const last = checkpoint.caption(fileOf(108));
    await Promise.all([checkpoint.release(), checkpoint.release()]);
    assert.notEqual((await last).text, "");
    const message = "shapes-opt-small: released, and cannot be asked any more.";
    await assert.rejects(checkpoint.caption(fileOf(108)), new UsageError(message));
  });
});

describe("the library's examples", () => {
  const run = (name: string, ...words: string[]): readonly string[] => {
    const folder = temporaryFolder();
    const command = path.join(projectRoot, "dist", "examples", "api", `${name}.js`);
    const { code, out, err } = runProcess(folder, { command, words: [fileOf(108), ...words], env: {} });
    assert.deepEqual([code, err], [0, ""], JSON.stringify(environment(folder)));
    return out.trimEnd().split("\n");
  };

  it("stand in the documentation as they run", () => {
    const documentation = readFileSync(path.join(projectRoot, "docs", "api.md"), "utf8");
    for (const name of ["caption", "ask", "chat", "match"]) {
      const example = readFileSync(path.join(projectRoot, "examples", "api", `${name}.ts`), "utf8");
      assert.ok(documentation.includes(`\`\`\`ts\n${example}\`\`\``), `docs/api.md: another ${name}.ts`);
    }
  });

  it("caption", () => {
    const [caption = "", ...more] = run("caption");
    assert.ok(caption.split(" ").length > 3);
    assert.deepEqual(more, []);
  });

  it("ask", () => {
    const [answer, ...more] = run("ask", "what color is the square?");
    assert.equal(answer, "black");
    assert.match(more[0]!, /^\d+\.\d % {2}"black"$/);
    assert.match(more.at(-1)!, /^stages: .*vision, .*decode/);
  });

  it("chat", () => {
    const lines = run("chat");
    assert.match(lines[0]!, /^what color is the square\? black$/);
    assert.match(
      lines[2]!,
      /^Question: what color is the square\? Answer: black\. Question: .* Question: where is it\? Answer:$/,
    );
    assert.equal(lines[3], "stopped; 2 turns are kept");
  });

  it("match", () => {
    const text = "a green cross, a tiny black square, a tiny black triangle and a black circle on a plain background";
    assert.deepEqual(run("match", "a yellow star", text), [text]);
  });
});
