/** blip2-bench chat: questions from standard input, a person at a terminal, and Ctrl-C. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { main } from "../../../harness/cli/command.ts";
import {
  assertFails,
  callCommand,
  environment,
  inProcess,
  realCommand,
  runProcess,
  startProcess,
} from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { goldenJson } from "../../support/goldens.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const imageFolder = join(projectRoot, "datasets", "bundled", "val2014");
const image = join(imageFolder, "COCO_val2014_000000000108.jpg");
const other = join(imageFolder, "COCO_val2014_000000001177.jpg");

function chat(folder: string, lines: readonly string[], ...words: string[]): Promise<Ended> {
  return callCommand(folder, { words: ["chat", image, ...words], lines });
}

describe("blip2-bench chat with questions from standard input", () => {
  it("answers one a line; searched for as the paper does, the first is the reference's answer", () => {
    const { questions } = JSON.parse(
      readFileSync(join(projectRoot, "datasets", "bundled", "v2_OpenEnded_mscoco_val2014_questions.json"), "utf8"),
    ) as { questions: { question_id: number; image_id: number; question: string }[] };
    const { question, question_id } = questions.find((each) => each.image_id === 108)!;
    const goldens = goldenJson("shapes-opt-base", "vqa_results.json") as { question_id: number; answer: string }[];
    const asked = question.toLowerCase(); // as `ask` prepares it; a conversation leaves questions as they are
    const words = ["chat", image, "--protocol", "paper", "-q"];
    const input = `${asked}\n\nand where?\n`;
    const { code, out, err } = runProcess(temporaryFolder(), { command: realCommand, words, input });
    assert.deepEqual([code, err], [0, ""]);
    const [first, second, ...more] = out.split("\n");
    assert.equal(first, goldens.find((golden) => golden.question_id === question_id)?.answer.trim());
    assert.notEqual(second, "");
    assert.deepEqual(more, [""]);
  });

  it("gives an object a line with --jsonl, and tokens and times with --show", async () => {
    const { code, out } = await chat(temporaryFolder(), ["what color?", "where?"], "--jsonl", "--show");
    assert.equal(code, 0);
    const answers = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      answers.map(({ model, precision, image: of, question, droppedTurns }) => [
        model,
        precision,
        of,
        question,
        droppedTurns,
      ]),
      [
        ["shapes-opt-base", "fp32", image, "what color?", 0],
        ["shapes-opt-base", "fp32", image, "where?", 0],
      ],
    );
    const stages = answers.map(({ latencyMs }) => Object.keys(latencyMs as object));
    assert.ok(stages[0]!.includes("vision") && !stages[1]!.includes("vision"));
    const [token] = answers[0]!["tokens"] as { text: string; probability: number }[];
    assert.ok(token!.probability > 0);
  });

  it("takes commands: turns back, another image, a file with the turns", async () => {
    const folder = temporaryFolder();
    const lines = [
      "what color?",
      "/undo",
      "/undo",
      "is it red?",
      `/image ${other}`,
      "what is it?",
      "/save turns.json",
      "/save turns.json",
    ];
    const { code, err } = await chat(folder, [...lines, "/reset", "/help", "/quit", "never asked"]);
    assert.equal(code, 0);
    assert.match(err, /^Taken back: what color\?\nThere is no turn to take back\.\n/m);
    assert.match(err, /^Now about .*1177\.jpg; the turns before are forgotten\.\n/m);
    assert.match(err, /^turns\.json: 1 turn\.\nturns\.json: 1 turn\.\nAll turns are forgotten\.\n\/image FILE/m);
    const saved = JSON.parse(readFileSync(join(folder, "turns.json"), "utf8")) as { turns: { question: string }[] };
    assert.deepEqual(
      { ...saved, turns: saved.turns.map(({ question }) => question) },
      { model: "shapes-opt-base", precision: "fp32", image: other, turns: ["what is it?"] },
    );
  });

  it("names lines it cannot use, goes on, and ends with 3", async () => {
    const folder = temporaryFolder({ "kept.json": "mine", "page.png": "<html>" });
    const bad = [
      "/frob",
      "/sav x",
      "/save",
      "/save kept.json",
      "/save no/where.json",
      "/image",
      "/image no.jpg",
      "/image page.png",
      "/reset all",
      "why? ".repeat(60),
    ];
    const { code, out, err } = await chat(folder, ["what color?", ...bad, "where?"], "-q");
    assert.equal(code, 3);
    assert.equal(out.trim().split("\n").length, 2);
    const said = err.trim().split("\n");
    const expected: readonly RegExp[] = [
      /^error: \/frob: no such command\. Commands: \/image, \/reset, /,
      /^error: \/sav: no such command\. Did you mean \/save\?/,
      /^error: \/save: found no file, expected one behind it\.$/,
      /^error: \/save: kept\.json is there already, and is not written over\. Name another file\.$/,
      /^error: \/save: no\/where\.json cannot be written \(.*ENOENT/,
      /^error: \/image: found no file, expected one behind it\.$/,
      /^error: no\.jpg: no such file\./,
      /^error: page\.png: .*expected JPEG, PNG, WebP or GIF/,
      /^error: \/reset: found "all", expected nothing behind it\.$/,
      /^error: question: 12 queries \+ \d+ prompt tokens \+ 30 new = \d+ positions, expected at most 128\. Use fewer words\.$/,
    ];
    assert.equal(said.length, expected.length, err);
    for (const [index, pattern] of expected.entries()) assert.match(said[index]!, pattern);
    assert.equal(readFileSync(join(folder, "kept.json"), "utf8"), "mine");
  });

  it("says when turns are left out, with --quiet too", async () => {
    const lines = Array.from({ length: 9 }, (_, turn) => `is there a big red star of kind ${turn}?`);
    const { code, err } = await chat(temporaryFolder(), lines, "-q");
    assert.equal(code, 0);
    assert.match(err, /^The oldest turn was left out of the prompt: the language model has no room for more\.\n/m);
    assert.equal(new Set(err.trim().split("\n")).size, err.trim().split("\n").length, "each number of turns once");
  });

  it("says that T5 reads prompts whole", async () => {
    const { code, err } = await chat(temporaryFolder(), ["what color?"], "-m", "shapes-t5-small");
    assert.equal(code, 0);
    assert.match(err, /^T5 reads each prompt whole: of the turns before, only the image is not computed again\.$/m);
  });

  it("ends with 130 after Ctrl-C, and what was answered is there", async () => {
    const folder = temporaryFolder();
    const words = ["chat", image, "--jsonl", "-q", "--min-new-tokens", "60", "--max-new-tokens", "60"];
    const child = startProcess(folder, { command: realCommand, words });
    child.stdin.write("what is it?\n".repeat(2000));
    let [out, err] = ["", ""];
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (out === "") child.kill("SIGINT");
      out += text;
    });
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130, err);
    for (const line of out.trim().split("\n")) assert.ok("answer" in (JSON.parse(line) as object));
  });
});

/** A person who types what `reply` says to everything that is shown; gives all that was shown. */
async function atTerminal(
  words: readonly string[],
  reply: (shown: string, type: (keys: string) => void) => void,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  let [out, err] = ["", ""];
  const type = (keys: string): void => {
    setImmediate(() => stdin.write(keys));
  };
  const stdout = {
    isTTY: true,
    columns: 80,
    write: (text: string) => {
      out += text;
      reply(out, type);
    },
  };
  const stderr = { write: (text: string) => (err += text) };
  const code = await main(["chat", image, ...words], catalog, {
    stdin,
    stdout,
    stderr,
    env: environment(temporaryFolder()),
  });
  return { code, out, err };
}

const prompts = (shown: string): number => shown.split("> ").length - 1;

describe("blip2-bench chat at a terminal", () => {
  it("asks for questions, shows answers as they come, and ends with Ctrl-D", async () => {
    let isPartSeen = false;
    let typed = 0;
    const { code, out, err } = await atTerminal(["--min-new-tokens", "6"], (shown, type) => {
      isPartSeen ||= /is the square\?[^]*\n[a-z]+$/.test(shown); // the first word of the answer, and nothing behind it
      if (prompts(shown) === typed || typed === 3) return;
      typed += 1;
      type(typed === 1 ? "what is it?\r" : typed === 2 ? "what color is the square?\r" : "\u0004");
    });
    assert.equal(code, 0);
    assert.match(err, /^A conversation with shapes-opt-base about .*108\.jpg\. \/help lists commands\.$/m);
    assert.ok(isPartSeen);
    assert.match(out, /what color is the square\?[^]*\nblack [a-z ]+.*\n/);
  });

  it("stops an answer at Ctrl-C, keeps no turn of it, and ends at the next one", async () => {
    const folder = temporaryFolder();
    const saved = join(folder, "turns.json");
    let state = 0;
    const words = ["--min-new-tokens", "70", "--max-new-tokens", "70", "--beams", "1"];
    const { code, err } = await atTerminal(words, (shown, type) => {
      if (state === 0 && prompts(shown) === 1) {
        state = 1;
        type("tell me all\r");
      } else if (state === 1 && /tell me all[^]*\n[a-z]+/.test(shown)) {
        state = 2;
        type("\u0003"); // in the middle of the answer
      } else if (state === 2 && prompts(shown) === 2) {
        state = 3;
        type(`/save ${saved}\r`);
      } else if (state === 3 && prompts(shown) === 3) {
        state = 4;
        type("\u0003");
      }
    });
    assert.equal(code, 130);
    assert.match(err, /^Stopped\. This answer is not kept\.$/m);
    assert.deepEqual((JSON.parse(readFileSync(saved, "utf8")) as { turns: unknown[] }).turns, []);
  });
});

describe("chat says what is wrong, and exits with 2", () => {
  const cases: readonly [words: readonly string[], message: string | RegExp][] = [
    [[], "chat: found no image, expected one to talk about."],
    [[image], "chat: found no standard input, expected a terminal or a question a line."],
    [[image, "what?"], 'chat: found "what?", expected flags only from there on.'],
    [[image, "-b", "3"], /^error: chat -b: no such flag/],
  ];
  for (const [words, message] of cases) {
    it(words.join(" ").replace(image, "photo.jpg") || "(nothing)", async () => {
      assertFails(await inProcess(temporaryFolder(), "chat", ...words, "-q"), 2, message);
    });
  }

  const piped: readonly [words: readonly string[], message: string | RegExp][] = [
    [["-m", "shapes-itm"], /it matches images and texts, and generates none\. See match\.$/m],
    [
      ["-m", "shapes-opt-base,shapes-opt-small"],
      "--model, --precision: found 2 checkpoints, expected one to talk with.",
    ],
    [["--max-pixels", "9"], /expected at most 9\. Scale it down, or allow more with --max-pixels\./],
    [[], "chat: found no question on standard input, expected one a line."],
  ];
  for (const [words, message] of piped) {
    it(words.join(" ") || "no question", async () => {
      assertFails(await chat(temporaryFolder(), ["", "  "], "-q", ...words), 2, message);
    });
  }

  it("a folder of several images", async () => {
    const folder = temporaryFolder();
    for (const name of ["a.jpg", "b.jpg"]) writeFileSync(join(folder, name), readFileSync(image));
    const ended = await callCommand(folder, { words: ["chat", folder, "-q"], lines: ["what?"] });
    assertFails(ended, 2, `chat: found 2 images in ${folder}, expected one. /image goes on to another.`);
    assert.ok(existsSync(join(folder, "a.jpg")));
  });
});
