/** What a task file may say, and what is said of one that is wrong: in YAML and JSON with line and column. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { findTask, findTasks } from "../../../harness/catalog/find-task.ts";
import { taskFileExtensions } from "../../../harness/catalog/task-file/read-task-file.ts";
import type { Hypothesis } from "../../../tasks/task.ts";
import type { ReferencedSample } from "../../../tasks/metrics/hypotheses.ts";
import { taskFolder } from "../../support/own-task.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

/** The task of a file with this text, its path shortened in messages. */
async function read(name: string, text: string): Promise<Awaited<ReturnType<typeof findTask>>> {
  const path = join(temporaryFolder({ [name]: text }), name);
  try {
    return await findTask(catalog, path);
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replaceAll(path, name);
    throw error;
  }
}

async function generation(name: string, text: string) {
  const task = await read(name, text);
  assert.ok(task.kind === "generation");
  return task;
}

describe("a task file", () => {
  it("leaves what it does not say as the task of its kind has it", async () => {
    for (const [kind, base] of [
      ["vqa", "vqa"],
      ["caption", "caption"],
      ["retrieval", "retrieval"],
    ] as const) {
      const task = await read("mine.yaml", `kind: ${kind}`);
      const usual = await findTask(catalog, base);
      assert.equal(task.name, "mine");
      assert.equal(task.dataset, usual.dataset);
      assert.equal(task.metrics, usual.metrics);
      for (const name of ["paper", "lavis"] as const) {
        if (task.kind === "generation" && usual.kind === "generation") {
          assert.deepEqual(task.protocols[name].decoding, usual.protocols[name].decoding);
          assert.equal(task.protocols[name].prompt, usual.protocols[name].prompt);
        } else assert.deepEqual(task.protocols[name], usual.protocols[name]);
      }
    }
  });

  it("replaces single settings of decoding, for both language models or for each", async () => {
    const both = await generation("mine.yaml", "kind: vqa\ndecoding: { beams: 2, maxNewTokens: 7 }");
    assert.deepEqual(
      [both.protocols.paper.decoding.opt, both.protocols.paper.decoding.t5].map((one) => [
        one.beams,
        one.newTokens.max,
        one.lengthPenalty,
      ]),
      [
        [2, 7, 0],
        [2, 7, -1],
      ],
    );
    const each = await generation("mine.yaml", "kind: vqa\ndecoding: { opt: { beams: 1 }, t5: {} }");
    assert.deepEqual([each.protocols.lavis.decoding.opt.beams, each.protocols.lavis.decoding.t5.beams], [1, 5]);
  });

  it("fills the question, spelled as the protocols spell it, and other columns into its prompt", async () => {
    const task = await generation("mine.yaml", 'kind: vqa\nprompt: "At {site}: {question} {q} {choices} {"');
    const image = { id: "1", path: "1.jpg" };
    const columns = { site: "North!", q: "What Color?", choices: ["red", "blue"] };
    const sample = { id: "1", image, question: "What Color?", columns };
    assert.equal(task.protocols.paper.prompt.opt(sample), "At North!: what color? What Color? red, blue {");
    assert.throws(() => task.protocols.paper.prompt.t5({ ...sample, columns: { site: "" } }), {
      name: "PromptError",
      message: 'no value in column "site", which its prompt needs.',
    });
  });

  it("makes the answer by a rule, or by the first group of a pattern", async () => {
    const answers = async (rule: string) => {
      const { answer } = (await generation("mine.yaml", `kind: vqa\nanswer: ${rule}`)).protocols.paper;
      return [" a red bus\nno\n", "bus", ""].map(answer);
    };
    assert.deepEqual(await answers("trim"), ["a red bus\nno", "bus", ""]);
    assert.deepEqual(await answers("first-line"), ["a red bus", "bus", ""]);
    assert.deepEqual(await answers("first-word"), ["a", "bus", ""]);
    assert.deepEqual(await answers('{ pattern: "red (\\\\w+)|bus" }'), ["bus", "bus", ""]);
  });

  it("chooses metrics of retrieval, recall at any number, re-ranking and the length of texts", async () => {
    const task = await read("mine.yaml", "kind: retrieval\nmetrics: [recall@3, MRR]\nrerank: 0\nmaxTokens: 20");
    assert.ok(task.kind === "retrieval");
    assert.deepEqual(task.metrics, ["recall@3", "MRR"]);
    assert.deepEqual([task.protocols.paper.rerank, task.protocols.lavis.maxTokens], [0, 20]);
  });

  it("is read from YAML, JSON and code alike, paths from the file's own folder on", async () => {
    const folder = taskFolder();
    const tasks = [];
    for (const name of ["shapes.yaml", "shapes.json", "shapes.mjs"])
      tasks.push(await findTask(catalog, join(folder, name)));
    for (const task of tasks) {
      assert.equal(task.data?.data, join(folder, "shapes.csv"));
      assert.equal(task.cluster, "site");
      assert.deepEqual(task.data.columns, { question: "q", answers: "gt" });
      assert.deepEqual(task.published, tasks[0]!.published);
      assert.ok(task.kind === "generation");
      assert.deepEqual(task.protocols.paper.decoding, (tasks[0] as typeof task).protocols.paper.decoding);
    }
    assert.equal(new Set(tasks.map(({ file }) => file?.sha256)).size, 3);
  });

  it("asks about an official data set where it names one", async () => {
    const task = await read("mine.yaml", "kind: vqa\ndataset: gqa");
    assert.equal(task.dataset.name, "gqa");
  });
});

describe("a wrong task file is refused", () => {
  const wrong: readonly [name: string, text: string, message: string | RegExp][] = [
    ["a.yaml", "", "a.yaml:1:1: found null, expected keys with values, such as kind: vqa."],
    ["a.yaml", "just words", 'a.yaml:1:1: found "just words", expected keys with values, such as kind: vqa.'],
    ["a.yaml", "name: x", "a.yaml:1:1: kind: missing, expected vqa, caption or retrieval."],
    ["a.yaml", "kind: vqaa", 'a.yaml:1:7: kind: found "vqaa", expected vqa, caption or retrieval.'],
    ["a.yaml", "kind: vqa\nkind: caption", /^a\.yaml:2:1: Map keys must be unique\.$/],
    ["a.yaml", "kind: [vqa", /^a\.yaml:1:\d+: /],
    [
      "a.yaml",
      "kind: vqa\npromt: x",
      /^a\.yaml:2:1: promt: no such key\. Did you mean prompt\? Keys: \$schema, name, kind, /,
    ],
    ["a.json", '{\n  "kind": "vqa",\n  "metric": []\n}', /^a\.json:3:3: metric: no such key\. Did you mean metrics\?/],
    [
      "a.yaml",
      "kind: vqa\nprompt: 3",
      "a.yaml:2:9: prompt: found 3, expected a text, or null, or opt: and t5: with one each.",
    ],
    ["a.yaml", "kind: vqa\nprompt: { opt: '{question}' }", "a.yaml:2:9: prompt.t5: missing, expected a text, or null."],
    [
      "a.yaml",
      "kind: vqa\ndecoding:\n  beams: 0",
      "a.yaml:3:10: decoding.beams: found 0, expected a whole number from 1.",
    ],
    [
      "a.yaml",
      "kind: vqa\ndecoding:\n  max-new-tokens: 3",
      /^a\.yaml:3:3: decoding\.max-new-tokens: no such key\. Did you mean maxNewTokens\?/,
    ],
    [
      "a.yaml",
      "kind: vqa\ndecoding: { t5: {}, opt: { beams: x } }",
      'a.yaml:2:35: decoding.opt.beams: found "x", expected a whole number from 1.',
    ],
    [
      "a.yaml",
      "kind: vqa\ndecoding: { minNewTokens: 9, maxNewTokens: 3 }",
      /^a\.yaml:2:1: decoding: minNewTokens: at least 9 new tokens and at most 3 cannot both be\./,
    ],
    [
      "a.yaml",
      "kind: vqa\nmetrics: [vqa-acuracy]",
      /^a\.yaml:2:11: metrics: no such metric "vqa-acuracy"\. Did you mean vqa-accuracy\? .*exact-match, vqa-accuracy, token-f1/,
    ],
    ["a.yaml", "kind: vqa\nmetrics: [cider]", /^a\.yaml:2:11: metrics: no such metric "cider"\. Did you mean CIDEr\?/],
    ["a.yaml", "kind: vqa\nmetrics: [ANLS, ANLS]", "a.yaml:2:17: metrics: ANLS stands there twice. Leave one out."],
    [
      "a.yaml",
      "kind: vqa\nmetrics: []",
      "a.yaml:2:10: metrics: found an empty list, expected a list of names of metrics.",
    ],
    [
      "a.yaml",
      "kind: retrieval\nmetrics: [recall@0]",
      /^a\.yaml:2:11: metrics: no such metric "recall@0"\. Did you mean recall@1\? .* Or recall@k with another whole number\.$/,
    ],
    [
      "a.yaml",
      'kind: retrieval\nprompt: "{question}"',
      "a.yaml:2:1: prompt: a task of kind retrieval has none, only vqa and caption. Leave it out.",
    ],
    [
      "a.yaml",
      "kind: vqa\nrerank: 3",
      "a.yaml:2:1: rerank: a task of kind vqa has none, only retrieval. Leave it out.",
    ],
    [
      "a.yaml",
      "kind: vqa\nprompt: what is it?",
      'a.yaml:2:9: prompt: no {question} in "what is it?"; every question would be asked the same.',
    ],
    [
      "a.yaml",
      'kind: vqa\nanswer: { pattern: "(" }',
      /^a\.yaml:2:20: answer\.pattern: Invalid regular expression: .+\.$/,
    ],
    [
      "a.yaml",
      "kind: vqa\nanswer: upper",
      /^a\.yaml:2:9: answer: found "upper", expected trim, first-line, first-word, or pattern: /,
    ],
    ["a.yaml", "kind: vqa\nname: vqav2", "a.yaml:2:7: name: vqav2 is a task of the project. Give another with name:."],
    ["gqa.yaml", "kind: vqa", "gqa.yaml:1:7: name: gqa is a task of the project. Give another with name:."],
    ["a b.yaml", "kind: vqa", /^a b\.yaml:1:7: name: found "a b", expected letters, digits, - and _/],
    [
      "a.yaml",
      "kind: vqa\ndataset: vqa2",
      /^a\.yaml:2:10: dataset: vqa2: no such data set\. Did you mean vqav2\? Data sets: vqav2, /,
    ],
    ["a.yaml", "kind: retrieval\ndataset: vqav2", /^a\.yaml:2:10: dataset: vqav2: no such data set\. .*flickr30k/],
    [
      "a.yaml",
      "kind: vqa\nmetrics: [ANLS]\npublished:\n  - { checkpoint: x, split: all, metric: CIDEr, value: 1, source: us }",
      /^a\.yaml:4:42: published\[0\]\.metric: no such metric of this task as "CIDEr"\./,
    ],
    [
      "a.yaml",
      "kind: vqa\npublished:\n  - { checkpoint: x, split: all, metric: ANLS, value: high, source: us }",
      'a.yaml:3:55: published[0].value: found "high", expected a number.',
    ],
    ["a.mjs", "export const task = 1;", /^--tasks a\.mjs: has no default export, expected export default defineTask/],
    ["a.mjs", "export default 3;", "a.mjs: found 3, expected keys with values, such as kind: vqa."],
    ["a.mjs", "export default {", /^--tasks a\.mjs: cannot be loaded: SyntaxError: /],
    ["a.mjs", 'throw new Error("no");', "--tasks a.mjs: cannot be loaded: Error: no"],
    [
      "a.mjs",
      'import "./gone.mjs"; export default {};',
      /^--tasks a\.mjs: cannot be loaded: Error: Cannot find module/,
    ],
    [
      "a.mjs",
      'export default { kind: "vqa", metrics: [() => 1] };',
      /^a\.mjs: metrics: found a function without a name, expected /,
    ],
    [
      "a.mjs",
      'export default { kind: "vqa", metrics: [function ANLS() { return 1; }] };',
      "a.mjs: metrics: ANLS is a metric of the project. Give your own another name.",
    ],
    [
      "a.mjs",
      'export default { kind: "retrieval", metrics: [function own() { return 1; }] };',
      "a.mjs: metrics: own is a function, and ranks are scored by named metrics only.",
    ],
    ["a.mjs", 'export default { kind: "vqa", data: () => 1 };', "a.mjs: data: found a function, expected a text."],
  ];
  for (const [name, text, message] of wrong) {
    it(`${name}: ${text.replaceAll("\n", " ⏎ ")}`, async () => {
      await assert.rejects(read(name, text), { name: "UsageError", message });
    });
  }

  it("where it is not there, is no task file, or is not on this machine", async () => {
    await assert.rejects(findTask(catalog, "./gone.yaml"), { message: "--tasks ./gone.yaml: no such file." });
    await assert.rejects(findTask(catalog, "./task.py"), {
      message: `--tasks ./task.py: expected a task file, which ends in ${taskFileExtensions.join(", ")}.`,
    });
    await assert.rejects(findTask(catalog, "https://example.org/task.mjs"), {
      message:
        "--tasks https://example.org/task.mjs: found an address, expected a path: a task file is read from this machine only.",
    });
    await assert.rejects(read("a.yaml", "\u0000\u0001".repeat(3) + "kind"), /a\.yaml/);
  });

  it("where two of one command have one name", async () => {
    const folder = taskFolder();
    const files = ["shapes.yaml", "shapes.json"].map((name) => join(folder, name));
    await assert.rejects(findTasks(catalog, files), {
      message: `--tasks: ${files.join(" and ")} are both called shapes. Give one another name.`,
    });
  });

  it("where no column fills a place of its prompt", async () => {
    const task = await generation("mine.yaml", 'kind: vqa\nprompt:\n  opt: "{question}"\n  t5: "{colour} {question}"');
    const sample = { id: "1", image: { id: "1", path: "" }, question: "?", columns: { color: "red" }, references: [] };
    assert.throws(() => task.checkSamples?.([sample]), {
      name: "UsageError",
      message:
        /mine\.yaml:4:7: prompt\.t5: \{colour\}: no such column\. Did you mean color\? Columns: color, question\.$/,
    });
    const { question, ...questionless } = sample;
    assert.equal(question, "?");
    assert.throws(() => task.checkSamples?.([questionless]), /kind: vqa asks questions, and own-questions has none\./);
  });
});

describe("a metric of a task file", () => {
  const hypothesis: Hypothesis<ReferencedSample> = {
    answer: "red",
    sample: { id: "7", image: { id: "7", path: "" }, references: ["red", "blue"], columns: { site: "north" } },
  };

  async function metricOf(body: string) {
    const task = await generation(
      "a.mjs",
      `export default { kind: "vqa", metrics: [function own(scored) { ${body} }] };`,
    );
    return task.metrics[0]!;
  }

  it("sees the answer, its references and all columns, and gives a share", async () => {
    const metric = await metricOf(
      "const { hypothesis, references, sample } = scored;" +
        'return hypothesis === "red" && references.join() === "red,blue" && sample.columns.site === "north" && sample.id === "7" ? 0.25 : 0;',
    );
    assert.equal(metric.faultOf?.(hypothesis), null);
    assert.deepEqual(metric.score([hypothesis], []).bySample, [0.25]);
  });

  it("fails a sample alone that it throws at or gives NaN for", async () => {
    const throwing = await metricOf('throw new TypeError("no words");');
    assert.match(throwing.faultOf?.(hypothesis) ?? "", /^metric own of \S+a\.mjs threw TypeError: no words$/);
    assert.match((await metricOf("return 0 / 0;")).faultOf?.(hypothesis) ?? "", /^metric own of \S+a\.mjs gave NaN$/);
  });

  for (const [body, found] of [
    ["return 2;", "2"],
    ["return -0.1;", "-0.1"],
    ['return "1";', "a value of type string"],
    ["", "a value of type undefined"],
    ["return Promise.resolve(1);", "a promise"],
    ['return Promise.reject(new Error("late"));', "a promise"],
  ] as const) {
    it(`is refused where it gives ${found}`, async () => {
      const metric = await metricOf(body);
      const more = found === "a promise" ? "; a metric must not be async" : "";
      assert.throws(() => metric.faultOf?.(hypothesis), {
        name: "UsageError",
        message: new RegExp(
          `a\\.mjs: metric own: found ${found} for sample 7, expected a number from 0 to 1${more}\\.$`,
        ),
      });
    });
  }
});
