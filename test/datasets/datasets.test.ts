/** Question files → samples, and what is said when a file is missing, broken or at odds. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { okVqaQuestions, vqav2Questions } from "../../datasets/vqa.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";
import { projectRoot } from "../support/project.ts";

const BUNDLED = join(projectRoot, "datasets", "bundled");
const QUESTIONS = "v2_OpenEnded_mscoco_val2014_questions.json";
const ANNOTATIONS = "v2_mscoco_val2014_annotations.json";

function question(image_id: unknown, question_id: unknown): Record<string, unknown> {
  return { image_id, question: `Question ${String(question_id)}?`, question_id };
}

function annotation(image_id: unknown, question_id: unknown, answers: readonly unknown[] = ["red", "blue"]) {
  return {
    question_type: "what color",
    multiple_choice_answer: answers[0],
    answers: answers.map((answer, index) => ({ answer, answer_confidence: "maybe", answer_id: index + 1 })),
    image_id,
    answer_type: "other",
    question_id,
  };
}

/** Two questions about two images, and their files with what a test changes. */
function vqaFiles(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    [QUESTIONS]: { info: {}, data_subtype: "val2014", questions: [question(108, 108001), question(9, 9000)] },
    [ANNOTATIONS]: { data_subtype: "val2014", annotations: [annotation(9, 9000), annotation(108, 108001)] },
    val2014: null,
    ...changed,
  };
}

async function saidOfVqa(changed: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = datasetFolder(vqaFiles(changed));
  return await refusal(vqav2Questions.open({ folder }, "val"), folder);
}

describe("VQA questions", () => {
  after(removeDatasetFolders);

  it("reads the bundled questions: 991 about 300 images, ten answers each, in the order of the file", async () => {
    const split = await vqav2Questions.open({ folder: BUNDLED }, "val");
    assert.equal(split.samples.length, 991);
    assert.equal(new Set(split.samples.map(({ image }) => image.id)).size, 300);
    assert.ok(split.samples.every(({ references }) => references.length === 10));
    assert.deepEqual([split.samples[0]?.id, split.samples.at(-1)?.id], ["1000001", "4403002"]);
    assert.deepEqual(split.files, [join(BUNDLED, QUESTIONS), join(BUNDLED, ANNOTATIONS)]);
    assert.equal(split.imageFolder, join(BUNDLED, "val2014"));
    const [first] = split.samples;
    assert.deepEqual(
      { ...first, references: first?.references.slice(0, 2) },
      {
        id: "1000001",
        image: { id: "1000", path: join(BUNDLED, "val2014/COCO_val2014_000000001000.jpg") },
        question: "What color is the star in the picture?",
        questionType: "what color is the",
        answerType: "other",
        references: [
          { answer: "it's yellow", confidence: "yes", id: 1 },
          { answer: "it's yellow", confidence: "yes", id: 2 },
        ],
      },
    );
  });

  it("joins annotations by question id and takes any number of answers", async () => {
    const folder = datasetFolder(
      vqaFiles({ [ANNOTATIONS]: { annotations: [annotation(9, 9000, [""]), annotation(108, 108001)] } }),
    );
    const { samples } = await vqav2Questions.open({ folder }, "val");
    assert.deepEqual(
      samples.map(({ id, references }) => [id, references.map(({ answer }) => answer)]),
      [
        ["108001", ["red", "blue"]],
        ["9000", [""]],
      ],
    );
  });

  it("has no references for a split whose answers are private", async () => {
    const questions = { data_subtype: "test-dev2015", questions: [question(1, 1000)] };
    const folder = datasetFolder({ "v2_OpenEnded_mscoco_test-dev2015_questions.json": questions, test2015: null });
    const { samples } = await vqav2Questions.open({ folder }, "test-dev");
    assert.deepEqual(samples, [
      {
        id: "1000",
        image: { id: "1", path: join(folder, "test2015/COCO_test2015_000000000001.jpg") },
        question: "Question 1000?",
        questionType: "",
        answerType: "",
        references: [],
      },
    ]);
  });

  it("reads OK-VQA's files, whose copies write question ids as strings", async () => {
    const answers = [{ answer_id: 1, raw_answer: "racing", answer_confidence: "yes", answer: "race" }];
    const folder = datasetFolder({
      "OpenEnded_mscoco_val2014_questions.json": { questions: [question(297147, "2971475"), question(33, 335)] },
      "mscoco_val2014_annotations.json": {
        annotations: [
          { ...annotation(33, 335), confidence: 3, answers },
          { ...annotation(297147, 2971475), confidence: 3, answers },
        ],
      },
      val2014: null,
    });
    const { samples } = await okVqaQuestions.open({ folder }, "val");
    assert.deepEqual(
      samples.map(({ id, references }) => [id, references]),
      ["2971475", "335"].map((id) => [id, [{ answer: "race", confidence: "yes", id: 1 }]]),
    );
  });

  it("needs of an annotation its question and the answers: annotators without numbers are told apart by their place", async () => {
    const bare = (question_id: number, answers: readonly unknown[]): unknown => ({ question_id, answers });
    const [first, second] = [{ answer: "red" }, { answer: "red", answer_confidence: null, answer_id: 7 }];
    const annotations = [bare(9000, [first, second]), bare(108001, [second])];
    const folder = datasetFolder(vqaFiles({ [ANNOTATIONS]: { annotations } }));
    const { samples } = await vqav2Questions.open({ folder }, "val");
    assert.deepEqual(
      samples.map(({ questionType, answerType, references }) => [questionType, answerType, references]),
      [
        ["", "", [{ answer: "red", confidence: "", id: 7 }]],
        ["", "", [1, 2].map((id) => ({ answer: "red", confidence: "", id }))],
      ],
    );
  });

  it("says which file is missing, where, and what is there", async () => {
    const { [ANNOTATIONS]: missing, ...files } = vqaFiles();
    assert.ok(missing);
    const folder = datasetFolder(files);
    assert.equal(
      await refusal(vqav2Questions.open({ folder }, "val"), folder),
      `vqav2 val: ${ANNOTATIONS} not found in FOLDER; found there: ${QUESTIONS}. Give the folder with --data.`,
    );
    assert.equal(
      await refusal(okVqaQuestions.open({ folder: join(folder, "val2014") }, "val"), folder),
      "ok-vqa val: OpenEnded_mscoco_val2014_questions.json not found in FOLDER/val2014; no JSON file is there. " +
        "Give the folder with --data.",
    );
    const expected = "; expected v2_OpenEnded_mscoco_train2014_questions.json in it. Give the folder with --data.";
    assert.equal(
      await refusal(vqav2Questions.open({ folder: join(folder, "no") }, "train"), folder),
      `vqav2 train: the data folder FOLDER/no does not exist${expected}`,
    );
    assert.equal(
      await refusal(vqav2Questions.open({ folder: join(folder, QUESTIONS) }, "train"), folder),
      `vqav2 train: the data folder FOLDER/${QUESTIONS} is not a folder${expected}`,
    );
    assert.match(
      await refusal(vqav2Questions.open({ folder: "x".repeat(5000) }, "val"), folder),
      /the data folder x+ cannot be read \(ENAMETOOLONG\); expected /,
    );
    assert.equal(
      await saidOfVqa({ [QUESTIONS]: null }),
      `vqav2 val: FOLDER/${QUESTIONS} is a folder, expected a JSON file. Give the data folder with --data.`,
    );
  });

  it("lists the splits when there is none of that name", async () => {
    assert.equal(
      await refusal(vqav2Questions.open({ folder: BUNDLED }, "val2014"), BUNDLED),
      'vqav2: no split "val2014". Splits: val, train, test-dev, test.',
    );
    assert.match(
      await refusal(okVqaQuestions.open({ folder: "." }, "constructor"), "?"),
      /^ok-vqa: no split "constructor"/,
    );
  });

  it("gives line and column of broken JSON", async () => {
    assert.equal(
      await saidOfVqa({ [QUESTIONS]: '{"questions": [\n{"image_id": }]}' }),
      `vqav2 val: FOLDER/${QUESTIONS}: broken JSON at line 2, column 14 (byte 29): found "}", expected a value. ` +
        "Get the file again, or mend it there.",
    );
  });

  it("refuses a question id that comes twice, and names both records", async () => {
    const questions = JSON.stringify({ questions: [question(9, 9000), question(9, "9000")] });
    assert.equal(
      await saidOfVqa({ [QUESTIONS]: questions }),
      `vqav2 val: FOLDER/${QUESTIONS}: record 2 of "questions", at line 1, column 77 (byte 76): ` +
        "question_id 9000 stands in record 1 already",
    );
    assert.match(
      await saidOfVqa({ [ANNOTATIONS]: { annotations: [annotation(9, 9000), annotation(9, 9000)] } }),
      /annotations\.json: record 2 of "annotations", at .*: question_id 9000 stands in record 1 already$/,
    );
  });

  it("counts the questions without annotation and the annotations without question", async () => {
    assert.equal(
      await saidOfVqa({
        [ANNOTATIONS]: { annotations: [annotation(9, 9000), annotation(7, 7000), annotation(7, 7001)] },
      }),
      `vqav2 val: FOLDER/${ANNOTATIONS}: does not fit FOLDER/${QUESTIONS}: questions without annotation: 1, first 108001; ` +
        "annotations without question: 2, first 7000, 7001. Are both files of the same split and version?",
    );
    assert.match(
      await saidOfVqa({ [ANNOTATIONS]: { annotations: [annotation(9, 9000)] } }),
      /questions without annotation: 1, first 108001; annotations without question: 0\./,
    );
  });

  it("refuses an annotation about another image than its question", async () => {
    assert.match(
      await saidOfVqa({ [ANNOTATIONS]: { annotations: [annotation(9, 108001)] } }),
      /record 1 of "annotations", at .*: image_id is 9, expected 108: that is the image of question 108001 in FOLDER.*json\./,
    );
  });

  it("names the record, the field, what was found and what was expected", async () => {
    const cases: [record: unknown, said: string][] = [
      [question("9", 9000), 'image_id is "9", expected an integer'],
      [question(9.5, 9000), "image_id is 9.5, expected an integer"],
      [question(9, null), "question_id is null, expected an integer or a string"],
      [{ image_id: 9, question_id: 9000 }, "question is missing, expected a string"],
      [{ ...question(9, 9000), question: [1] }, "question is [1], expected a string"],
      [[9, 9000], "found [9,9000], expected an object"],
    ];
    for (const [record, said] of cases) {
      const message = await saidOfVqa({ [QUESTIONS]: { questions: [question(108, 108001), record] } });
      assert.ok(message.includes('record 2 of "questions", at line 1, column '), message);
      assert.ok(message.endsWith(`: ${said}`), message);
    }
    const answers: [broken: unknown, said: string][] = [
      [{ ...annotation(9, 9000), answers: "red" }, 'answers is "red", expected a list'],
      [{ ...annotation(9, 9000), answers: [] }, "answers is empty, expected at least one"],
      [{ ...annotation(9, 9000), answers: ["red"] }, 'answers[0] is "red", expected an object'],
      [annotation(9, 9000, ["red", 5]), "answers[1].answer is 5, expected a string"],
      [{ ...annotation(9, 9000), answer_type: true }, "answer_type is true, expected a string"],
      [
        { ...annotation(9, 9000), question_type: "x".repeat(50), question_id: {} },
        "question_id is {}, expected an integer or a string",
      ],
      [{ ...annotation("y".repeat(60), 9000) }, `image_id is "${"y".repeat(36)}…", expected an integer`],
    ];
    for (const [record, said] of answers) {
      const message = await saidOfVqa({ [ANNOTATIONS]: { annotations: [record] } });
      assert.ok(message.endsWith(`: ${said}`), message);
    }
  });

  it("refuses the file of another split, and a file without questions", async () => {
    assert.equal(
      await saidOfVqa({ [ANNOTATIONS]: { data_subtype: "train2014", annotations: [annotation(9, 9000)] } }),
      `vqav2 val: FOLDER/${ANNOTATIONS}: data_subtype is "train2014", expected "val2014". Is this the file of another split?`,
    );
    assert.equal(
      await saidOfVqa({ [QUESTIONS]: { questions: [] } }),
      `vqav2 val: FOLDER/${QUESTIONS}: the list "questions" is empty.`,
    );
  });
});
