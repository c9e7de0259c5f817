/** GQA's questions, from the official object by id and from the list of LAVIS. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { gqaQuestions } from "../../datasets/gqa.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";

const FILE = "testdev_balanced_questions.json";

function question(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const types = { structural: "query", semantic: "attr", detailed: "material" };
  return {
    question: "What is the cup made of?",
    answer: "glass",
    fullAnswer: "…",
    imageId: "n161313",
    isBalanced: true,
    types,
    ...changed,
  };
}

async function saidOf(content: unknown, name = FILE): Promise<string> {
  const folder = datasetFolder({ [name]: content, images: null });
  return await refusal(gqaQuestions.open({ folder }, name.replace(/_.*/, "")), folder);
}

describe("GQA questions", () => {
  after(removeDatasetFolders);

  it("are read in the order of the file, which is not that of their ids", async () => {
    const verify = question({ types: { structural: "verify" }, answer: "yes", imageId: "2354786" });
    const content = `{"201307251": ${JSON.stringify(question())}, "07": ${JSON.stringify(verify)}}`;
    const folder = datasetFolder({ [FILE]: content, "images/n161313.jpg": "" });
    const split = await gqaQuestions.open({ folder }, "testdev");
    assert.deepEqual(split.samples, [
      {
        id: "201307251",
        image: { id: "n161313", path: join(folder, "images/n161313.jpg") },
        question: "What is the cup made of?",
        questionType: "query",
        answerType: "open",
        references: [{ answer: "glass", confidence: "yes", id: 1 }],
      },
      {
        id: "07",
        image: { id: "2354786", path: join(folder, "images/2354786.jpg") },
        question: "What is the cup made of?",
        questionType: "verify",
        answerType: "binary",
        references: [{ answer: "yes", confidence: "yes", id: 1 }],
      },
    ]);
    assert.deepEqual(split.files, [join(folder, FILE)]);
    assert.equal(split.imageFolder, join(folder, "images"));
  });

  it("are read from LAVIS's list too", async () => {
    const record = { image: "n1.jpg", question: "Is it?", question_id: "5", answer: "no", dataset: "gqa" };
    const folder = datasetFolder({ [FILE]: [record], images: null });
    const { samples } = await gqaQuestions.open({ folder }, "testdev");
    assert.deepEqual(samples, [
      {
        id: "5",
        image: { id: "n1", path: join(folder, "images/n1.jpg") },
        question: "Is it?",
        questionType: "",
        answerType: "",
        references: [{ answer: "no", confidence: "yes", id: 1 }],
      },
    ]);
  });

  it("may lack the kind of question", async () => {
    const folder = datasetFolder({ [FILE]: { 1: question({ types: { semantic: "rel" } }) }, images: null });
    const { samples } = await gqaQuestions.open({ folder }, "testdev");
    assert.deepEqual([samples[0]?.questionType, samples[0]?.answerType], ["", ""]);
  });

  it("have no references in the test split, whose answers are private", async () => {
    const folder = datasetFolder({
      "test_balanced_questions.json": { 1: { question: "A?", imageId: "n1" } },
      images: null,
    });
    const { samples } = await gqaQuestions.open({ folder }, "test");
    assert.deepEqual(samples[0]?.references, []);
  });

  it("are refused with record, field, found and expected", async () => {
    const place = `gqa testdev: FOLDER/${FILE}: record 1, "1", at line 1, column 6 (byte 5): `;
    assert.equal(await saidOf({ 1: question({ answer: 5 }) }), `${place}answer is 5, expected a string`);
    assert.match(await saidOf({ 1: question({ imageId: 5 }) }), /: imageId is 5, expected a string$/);
    assert.match(
      await saidOf({ 1: question({ imageId: "../n" }) }),
      /: imageId is "\.\.\/n", expected a name without folders$/,
    );
    assert.match(await saidOf({ 1: question({ types: 1 }) }), /: types is 1, expected an object$/);
    assert.match(await saidOf('{"7": {"question": "A?", "imageId": "n"}}'), /: answer is missing, expected a string$/);
  });

  it("are refused when an id comes twice, when there is none, and when the file is not GQA's", async () => {
    const twice = `{"7": ${JSON.stringify(question())}, "7": ${JSON.stringify(question())}}`;
    assert.match(await saidOf(twice), /: record 2, "7", at .*: question id 7 stands in record 1 already$/);
    assert.equal(await saidOf({}), `gqa testdev: FOLDER/${FILE}: holds no question.`);
    assert.match(await saidOf("5"), /broken JSON at line 1, column 1 \(byte 0\): found "5", expected "\{" or "\["\./);
    assert.match(await saidOf({ questions: [] }), /: record 1, "questions", at .*: found \[\], expected an object$/);
    assert.equal(
      await refusal(gqaQuestions.open({ folder: "." }, "test-dev"), "?"),
      'gqa: no split "test-dev". Splits: testdev, val, train, test.',
    );
  });
});
