/**
 * What a task file can say, as a schema: docs/schemas/task.schema.json is made from it, for editors. A key that is left out is
 * as `vqa`, `caption` and `retrieval` have it.
 */
import * as z from "zod";
import { answerRules } from "../../../tasks/answer-rules.ts";
import type { AnswerRule } from "../../../tasks/answer-rules.ts";
import { textMetrics, retrievalMetricNames } from "../../../tasks/metrics/named-metrics.ts";
import { textSettings } from "../text-settings.ts";
import { anyNumber, oneOf, wholeFrom, worded } from "../values.ts";

export const taskKinds = ["vqa", "caption", "retrieval"] as const;
export type TaskKind = (typeof taskKinds)[number];

const ruleNames = Object.keys(answerRules) as readonly AnswerRule[]; // an object's keys, which its type lists

const someText = worded(z.string().min(1), { expected: "a text", placeholder: "<text>" });

/** One choice for both language models, or one for each. */
export type ByFamily<Choice> = Choice | { readonly opt: Choice; readonly t5: Choice };

function byFamily<Schema extends z.ZodType>(schema: Schema, expected: string) {
  const each = z.strictObject({ opt: schema, t5: schema });
  return worded(z.union([schema, each]), { expected: `${expected}, or opt: and t5: with one each`, placeholder: "" });
}

const prompt = worded(z.string().nullable(), { expected: "a text, or null", placeholder: "<text>" });

export const taskSettings = worded(
  z.strictObject({
    $schema: someText.describe("for editors").exactOptional(),
    name: someText.describe("of the task, in records and tables (unset: the file's name)").exactOptional(),
    kind: oneOf(taskKinds).describe("vqa asks questions, caption wants a sentence, retrieval ranks texts and images"),
    dataset: someText.describe("an official data set, such as vqav2 (unset: data of your own)").exactOptional(),
    data: someText.describe("folder or file of the data, from the task file on; --data replaces it").exactOptional(),
    images: someText.describe("folder of the images, from the task file on; --images replaces it").exactOptional(),
    split: someText.describe("part of the data; --split replaces it").exactOptional(),
    columns: worded(z.record(z.string(), someText), {
      expected: "a line for each column, such as question: q",
      placeholder: "",
    })
      .describe("which column of the data is what, such as question: q")
      .exactOptional(),
    cluster: someText
      .describe("column whose equal values form a group for standard errors (unset: the image)")
      .exactOptional(),
    prompt: byFamily(prompt, "a text, or null")
      .describe("with {question} and other columns in braces; null: the image alone")
      .exactOptional(),
    maxPromptTokens: byFamily(wholeFrom(1), "a whole number from 1")
      .describe("longer prompts lose their end")
      .exactOptional(),
    decoding: byFamily(textSettings, "settings such as beams: 5").describe("how text is generated").exactOptional(),
    answer: worded(z.union([oneOf(ruleNames), z.strictObject({ pattern: someText })]), {
      expected: `${ruleNames.join(", ")}, or pattern: with a regular expression`,
      placeholder: "",
    })
      .describe(
        "how text becomes the answer: a rule, or the first group that a regular expression finds, or all it finds",
      )
      .exactOptional(),
    rerank: wholeFrom(0).describe("retrieval: candidates of a row that are matched again; 0 is none").exactOptional(),
    maxTokens: wholeFrom(3).describe("retrieval: longer texts are cut").exactOptional(),
    metrics: worded(z.array(someText).min(1), { expected: "a list of names of metrics", placeholder: "" })
      .describe(
        `the first is the main one: ${textMetrics.map(({ name }) => name).join(", ")}; ` +
          `for retrieval ${retrievalMetricNames.join(", ")}, or recall at any other number`,
      )
      .exactOptional(),
    published: worded(
      z.array(
        z.strictObject({
          checkpoint: someText.describe("name of the checkpoint that has the score"),
          split: someText.describe("of the data"),
          metric: someText.describe("its name, as in metrics"),
          value: anyNumber().describe("in the metric's unit: a share from 0 to 1, CIDEr as 1.213"),
          source: someText.describe("who says so, and where"),
        }),
      ),
      { expected: "a list of numbers, each with checkpoint, split, metric, value and source", placeholder: "" },
    )
      .describe("numbers that scores are shown beside")
      .exactOptional(),
  }),
  { expected: "keys with values, such as kind: vqa", placeholder: "" },
);

export type TaskSettings = Readonly<z.infer<typeof taskSettings>>;

/** Keys that only tasks of some kinds have. */
export const keysOfKinds: Readonly<Partial<Record<keyof TaskSettings, readonly TaskKind[]>>> = {
  prompt: ["vqa", "caption"],
  maxPromptTokens: ["vqa", "caption"],
  decoding: ["vqa", "caption"],
  answer: ["vqa", "caption"],
  rerank: ["retrieval"],
  maxTokens: ["retrieval"],
};
