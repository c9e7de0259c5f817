/** Answers that are chosen among candidates: which one, what is recorded, what is refused, and whole runs of it. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readListedTexts } from "../../../harness/evaluation/generation/listed-texts.ts";
import { rankAnswers } from "../../../harness/evaluation/generation/rank-answers.ts";
import type { RankedAnswer } from "../../../harness/evaluation/generation/rank-answers.ts";
import type { LengthNorm } from "../../../tasks/choices.ts";
import type { WeighedCandidates } from "../../../models/model.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { fakeModel } from "../../support/fakes.ts";
import { bytesOf, readRunFiles } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const sample = { id: "1", image: { id: "1", path: "1.jpg" } };

/** The answer among candidates with these log-probabilities and numbers of tokens. */
async function answer(
  given: readonly (readonly [text: string, logProbability: number, tokens: number])[],
  { lengthNorm = "none", recorded = Infinity }: { lengthNorm?: LengthNorm; recorded?: number } = {},
): Promise<RankedAnswer> {
  const weighed: WeighedCandidates = {
    status: "weighed",
    logProbabilities: Float64Array.from(given, ([, sum]) => sum),
    tokens: given.map(([, , count], index) => new Array<number>(count).fill(index)),
    latencyMs: { candidates: 1 },
  };
  const ranking = { candidates: () => given.map(([text]) => text), lengthNorm, recorded };
  const [found] = await rankAnswers(
    { name: "fake", weigh: () => Promise.resolve([weighed]) },
    [{ sample, request: { image: sample.image, prompt: "?" } }],
    { ranking, batching: { size: 1, sharePrompt: true } },
  );
  assert.ok(found?.status === "predicted");
  return found;
}

describe("a ranked answer", () => {
  const given = [
    ["no", -2, 1],
    ["a red circle", -3, 3],
    ["a dog", -2, 2],
  ] as const;

  it("is the likeliest candidate, the first of equals, and has them all, best first", async () => {
    assert.deepEqual(await answer(given), {
      status: "predicted",
      text: "no",
      tokens: [0],
      score: -2,
      latencyMs: { candidates: 1 },
      candidates: {
        count: 3,
        best: [
          { index: 0, text: "no", logProbability: -2, tokens: 1 },
          { index: 2, text: "a dog", logProbability: -2, tokens: 2 },
          { index: 1, text: "a red circle", logProbability: -3, tokens: 3 },
        ],
      },
    });
  });

  it("is by tokens or by characters where that is asked, and of long lists the best are recorded", async () => {
    const byTokens = await answer(given, { lengthNorm: "tokens", recorded: 2 });
    assert.deepEqual([byTokens.text, byTokens.score, byTokens.tokens], ["a red circle", -1, [1, 1, 1]]);
    assert.deepEqual(
      byTokens.candidates.best.map(({ index }) => index),
      [1, 2],
    );
    assert.equal(byTokens.candidates.count, 3);
    assert.equal((await answer(given, { lengthNorm: "characters" })).score, -0.25);
    const emoji = await answer([["🟥🟥", -4, 5]], { lengthNorm: "characters" });
    assert.equal(emoji.score, -2);
  });

  it("is not to be had of a model that cannot weigh", async () => {
    const asked = [{ sample, request: { image: sample.image, prompt: "?" } }];
    const ranking = { candidates: () => ["a"], lengthNorm: "none" as const, recorded: 1 };
    const batching = { size: 1, sharePrompt: false };
    await assert.rejects(rankAnswers(fakeModel(), asked, { ranking, batching }), {
      name: "CheckpointError",
      message: "fake: cannot tell how likely given answers are. Leave --answers ranked out.",
    });
  });
});

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

function write(text: string | Uint8Array): string {
  const path = join(folder, "answers.txt");
  writeFileSync(path, text);
  return path;
}

describe("a file of candidates", () => {
  it("has one on each line, as it is", async () => {
    const { texts, sha256 } = await readListedTexts(write("yes\r\nno, not\r\n a \r\n\r\n"), "--candidates");
    assert.deepEqual(texts, ["yes", "no, not", " a "]);
    assert.match(sha256, /^[0-9a-f]{64}$/);
  });

  const refused: readonly (readonly [string | Uint8Array, string])[] = [
    ["", "--candidates FILE: found no text, expected a text on each line."],
    ["\n \n", "--candidates FILE: found no text, expected a text on each line."],
    ["yes\n\nno\n", "--candidates FILE, line 2: found no text, expected one. Take the line out."],
    ["yes\nno\nyes\n", '--candidates FILE, line 3: found "yes", which is on line 1 already. Take one out.'],
    [
      Uint8Array.of(0x61, 0xff, 0x0a),
      "--candidates FILE, line 1: found the byte 0xff at 1, which is no UTF-8. Save the file as UTF-8 " +
        "(Windows-1252 or Latin-1 may be what it is in).",
    ],
  ];
  for (const [text, message] of refused) {
    it(`is refused: ${message}`, async () => {
      const path = write(text);
      await assert.rejects(readListedTexts(path, "--candidates"), {
        name: "UsageError",
        message: message.replace("FILE", path),
      });
    });
  }

  it("is refused where it is missing", async () => {
    const path = join(folder, "none.txt");
    await assert.rejects(readListedTexts(path, "--candidates"), { message: `--candidates ${path}: no such file.` });
  });
});

describe("a run with ranked answers", () => {
  const words = ["run", "--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "40", "--no-report"];
  const vocabulary = "yes no red green blue black yellow orange purple 0 1 2 3 4 triangle circle square star cross"
    .split(" ")
    .concat(["big", "small", "bottom left", "bottom right", "top left", "top right"]);
  const run = (output: string, ...more: string[]): Promise<Ended> =>
    inProcess(folder, ...words, "--output", output, ...more);
  const read = (output: string): ReturnType<typeof readRunFiles> => readRunFiles(join(folder, output));

  it("chooses among a vocabulary what is generated, with every way of generation, in workers, and behind a stop", async () => {
    write(vocabulary.join("\n"));
    const ranked = ["--answers", "ranked", "--candidates", "answers.txt"];
    assert.equal((await run("generated")).code, 0);
    const ended = await run("ranked", ...ranked);
    assert.equal(ended.code, 0, ended.err);

    const { record, predictions } = read("ranked");
    assert.deepEqual(record.config.overrides, { answers: "ranked" });
    assert.deepEqual(record.config.decoding, { maxPromptTokens: null });
    assert.equal(record.config.candidates?.count, 25);
    const generated = new Map(
      read("generated").predictions.map((each) => [each.id, each.status === "predicted" ? each.text.trim() : null]),
    );
    for (const each of predictions) {
      assert.ok(each.status === "predicted" && each.candidates !== undefined);
      assert.equal(each.candidates.count, 25);
      assert.equal(each.candidates.best.length, 20);
      assert.equal(each.candidates.best[0]?.text, each.text);
      assert.equal(each.candidates.best[0].logProbability, each.score);
      assert.equal(each.text, generated.get(each.id), each.id);
    }

    assert.equal((await run("graph", ...ranked, "--generation", "graph")).code, 0);
    assert.equal((await run("workers", ...ranked, "--workers", "2")).code, 0);
    const bytes = (name: string): string => bytesOf(join(folder, name)).replace(/"processor": ?\{[^}]*\}/, "");
    const whole = bytes("ranked");
    assert.equal(bytes("graph"), whole);
    assert.equal(bytes("workers"), whole);

    const journal = join(folder, "ranked", "predictions.jsonl");
    writeFileSync(journal, readFileSync(journal, "utf8").split("\n").slice(0, 33).join("\n") + "\n");
    assert.equal((await run("ranked", ...ranked)).code, 0);
    assert.equal(bytes("ranked"), whole);

    write([...vocabulary, "nothing"].join("\n"));
    assertFails(await run("ranked", ...ranked), 2, /config\.candidates/);
    const compared = await inProcess(folder, "compare", "generated", "ranked");
    assert.match(compared.err, /candidates: found [0-9a-f]{64}, expected none/);
    assert.match(compared.err, /protocol's answers: found "ranked", expected none/);
  });

  it("is refused without candidates, and candidates without it", async () => {
    assertFails(
      await run("a", "--answers", "ranked"),
      2,
      "--answers ranked: the samples of vqav2 have no choices. Give a file with a candidate on each line: --candidates <file>.",
    );
    write("yes\nno\n");
    const generated = "answers are generated, and have no candidates. Give --answers ranked as well.";
    assertFails(await run("a", "--candidates", "answers.txt"), 2, `--candidates: ${generated}`);
    assertFails(await run("a", "--length-norm", "tokens"), 2, `--length-norm: ${generated}`);
  });
});
