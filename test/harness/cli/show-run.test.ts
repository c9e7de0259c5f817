/** `show`: one sample of a run whole, the worst, and those that meet conditions. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { imageEscapes, imageProtocolOf } from "../../../harness/cli/show/terminal-image.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { onRuns, runSaying } from "../../support/saying-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

interface ShownJson {
  readonly id: string;
  readonly question: string | null;
  readonly references: readonly string[];
  readonly answer: string;
  readonly scores: Readonly<Record<string, number>>;
  readonly image: { readonly path: string; readonly sizeBytes: number };
  readonly tokens: { readonly prompt: unknown; readonly answer: readonly { id: number; text: string | null }[] };
  readonly workings: readonly { readonly name: string; readonly score: number }[];
  readonly problem: string | null;
}

const red = "\u001b[31mred\u001b[0m";

describe("show RUN SAMPLE", () => {
  let folder = "";
  let ids: readonly string[] = [];
  before(async () => {
    folder = temporaryFolder();
    await runSaying(folder, (_, index) => (index === 4 ? null : index === 1 ? red : "yes"), {
      words: ["--tasks", "vqav2", "--limit", "12"],
      code: 3,
    });
    const { out } = await onRuns(folder, "show", "run", "--worst", "12", "--json");
    ids = (JSON.parse(out) as { samples: { id: string }[] }).samples.map(({ id }) => id);
  });

  it("has all of it as JSON, with the scores as scores.json has them", async () => {
    const { code, out } = await onRuns(folder, "show", "run", ids.at(-1)!, "--json");
    assert.equal(code, 0);
    const shown = JSON.parse(out) as ShownJson;
    assert.equal(shown.id, ids.at(-1));
    assert.equal(shown.references.length, 10);
    assert.ok(shown.image.sizeBytes > 100);
    assert.deepEqual(
      shown.workings.map(({ name, score }) => [name, score]),
      Object.entries(shown.scores),
    );
    assert.equal(shown.problem, null);
  });

  it("in text shows what could act on the terminal as escapes, and no image where nobody looks", async () => {
    const { out: list } = await onRuns(folder, "show", "run", "--where", "text~red", "--json");
    const [hostile] = (JSON.parse(list) as { samples: { id: string }[] }).samples;
    const { out } = await onRuns(folder, "show", "run", hostile!.id);
    assert.ok(!out.includes("\u001b"));
    assert.ok(out.includes("\\u001b[31mred"));
    assert.match(out, /\n {2}image +\d+: .*COCO_val2014_\d+\.jpg \(\d.* kB\)\n/);
    assert.match(out, /\naccuracy: 0\n {2}the answer, as it is compared/);
  });

  it("shows a failed sample with its error", async () => {
    const { out } = await onRuns(folder, "show", "run", ids[0]!);
    assert.match(out, /\n {2}failed +cannot be read\n/);
  });

  it("says that a tokenizer is not there, and shows tokens by number", async () => {
    const { out } = await onRuns(folder, "show", "run", ids.at(-1)!);
    assert.match(out, /\ntokens\n {2}answer {2}7 8\n {2}Tokens by number only: /);
  });

  it("refuses a sample that the run has not", async () => {
    assertFails(
      await onRuns(folder, "show", "run", "nothing"),
      2,
      'show: run has no sample "nothing" among its 12. `show run` lists some.',
    );
    assertFails(await onRuns(folder, "show"), 2, "show: found no folder, expected a run folder.");
    assertFails(
      await onRuns(folder, "show", "run", "1", "--worst", "3"),
      2,
      "show: a sample and --worst or --where: give one or the other.",
    );
  });

  it("lists failed samples first, then those with the lowest scores, 20 where no number is given", async () => {
    const { out } = await onRuns(folder, "show", "run", "--json");
    const { samples, found } = JSON.parse(out) as {
      samples: { prediction: { status: string }; scores: Record<string, number> }[];
      found: number;
    };
    assert.equal(found, 12);
    assert.equal(samples[0]!.prediction.status, "failed");
    const scores = samples.slice(1).map((sample) => sample.scores["accuracy"]!);
    assert.deepEqual(
      scores,
      [...scores].sort((a, b) => a - b),
    );
  });

  it("lists samples that meet all conditions, however the names are spelled", async () => {
    for (const where of ["answer type=yes/no", "answerType=YES/NO", "answer_type = yes/no"]) {
      const { out } = await onRuns(folder, "show", "run", "--where", where, "--where", "accuracy>=0.5", "--json");
      const { samples } = JSON.parse(out) as {
        samples: { columns: Record<string, string>; scores: Record<string, number> }[];
      };
      assert.ok(samples.length > 0, where);
      for (const { columns, scores } of samples) {
        assert.equal(columns["answerType"], "yes/no");
        assert.ok(scores["accuracy"]! >= 0.5);
      }
    }
    const { out } = await onRuns(folder, "show", "run", "--where", "status!=predicted");
    assert.equal(out.trim().split("\n").length, 2);
    assert.match(out, /^sample +image +question +answer +references +accuracy\n\d+ .* failed: cannot be read/);
  });

  it("refuses a condition that it cannot read", async () => {
    assertFails(
      await onRuns(folder, "show", "run", "--where", "answer"),
      2,
      '--where "answer": expected a name, a sign (=, !=, <, <=, >, >=, or ~ for "contains") and a value, such as "answer type=number" or "accuracy<0.5".',
    );
    assertFails(
      await onRuns(folder, "show", "run", "--where", "accuracy<high"),
      2,
      '--where "accuracy<high": found "high", expected a number after <.',
    );
    assertFails(
      await onRuns(folder, "show", "run", "--where", "acuracy<1"),
      2,
      /^error: --where "acuracy<1": no such field\. Did you mean accuracy\? Fields: /,
    );
  });
});

describe("show, where the data are gone", () => {
  it("says so and shows what the run holds", async () => {
    const questions = { "07": { question: "Is it?", imageId: "n1", answer: "no", types: { structural: "verify" } } };
    const folder = temporaryFolder({
      "data/testdev_balanced_questions.json": JSON.stringify(questions),
      "data/images/n1.jpg": "not read by the fake",
    });
    await runSaying(folder, () => "No.", { words: ["--tasks", "gqa", "--data", "data"] });
    rmSync(join(folder, "data"), { recursive: true });
    const { code, out, err } = await onRuns(folder, "show", "run", "07");
    assert.equal(code, 0);
    assert.match(err, /^Without questions, references and images: gqa testdev: the data folder .* does not exist/);
    assert.match(out, /\n {2}answer +"No\."\n/);
    assert.match(out, /\nscores\n {2}accuracy {2}1\n/);
    assert.ok(!out.includes("references"));
  });
});

describe("show, of a bundled checkpoint", () => {
  it("has the tokens of prompt and answer", async () => {
    const folder = temporaryFolder();
    const words = ["--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "2", "--no-report", "--output", "run"];
    assert.equal((await inProcess(folder, "run", ...words)).code, 0);
    const list = JSON.parse((await inProcess(folder, "show", "run", "--json")).out) as { samples: { id: string }[] };
    const { out, err } = await inProcess(folder, "show", "run", list.samples[0]!.id);
    assert.equal(err, "");
    assert.match(out, /\ntokens\n {2}prompt {2}"<\/s>" "Question" ":" /);
    assert.match(out, /\n {2}answer {2}" [a-z]+" "\\n"\n/);
    assert.match(out, /\n *\d+\.\d {2}vision\n/);
  });
});

describe("an image in a terminal", () => {
  it("is drawn in those that say they can, and not inside tmux or screen", () => {
    assert.equal(imageProtocolOf({ TERM: "xterm-kitty" }), "kitty");
    assert.equal(imageProtocolOf({ TERM_PROGRAM: "iTerm.app", TERM: "xterm-256color" }), "iterm2");
    assert.equal(imageProtocolOf({ LC_TERMINAL: "iTerm2" }), "iterm2");
    assert.equal(imageProtocolOf({ TERM_PROGRAM: "iTerm.app", TMUX: "/x" }), null);
    assert.equal(imageProtocolOf({ TERM: "screen.xterm-kitty" }), null);
    assert.equal(imageProtocolOf({ TERM: "xterm-256color" }), null);
    assert.equal(imageProtocolOf({}), null);
  });

  it("is one escape for iTerm2, and pieces of at most 4096 letters for kitty", () => {
    const bytes = new Uint8Array(7000).map((_, index) => index);
    const whole = Buffer.from(bytes).toString("base64");
    assert.equal(
      imageEscapes(bytes, "iterm2"),
      `\u001b]1337;File=inline=1;size=7000;preserveAspectRatio=1:${whole}\u0007`,
    );
    const pieces = imageEscapes(bytes, "kitty").split("\u001b\\").slice(0, -1);
    assert.deepEqual(
      pieces.map((piece) => piece.slice(0, piece.indexOf(";"))),
      ["\u001b_Ga=T,f=100,q=2,m=1", "\u001b_Gm=1", "\u001b_Gm=0"],
    );
    assert.equal(pieces.map((piece) => piece.slice(piece.indexOf(";") + 1)).join(""), whole);
  });
});
