/** JSON that says where it is broken. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseStrictJson } from "../../../models/checkpoint/strict-json.ts";
import { projectRoot } from "../../support/project.ts";

describe("strict JSON", () => {
  const texts = [
    "{}",
    "[]",
    " [ 1 , -0.5e+3, 0, 12.25E-2, true, false, null ] \n",
    '{"a": {"b": [{"c": "d\\"\\\\\\u00e9\\n é 你"}]}, "": 0}',
    '"text"',
    '{"__proto__": {"x": 1}}',
  ];
  for (const text of texts) {
    it(`reads ${JSON.stringify(text)} as JSON.parse does`, () => {
      assert.deepEqual(parseStrictJson(text), JSON.parse(text));
    });
  }

  it("reads a tokenizer as JSON.parse does", () => {
    const text = readFileSync(path.join(projectRoot, "models/bundled/shapes-opt-small/tokenizer.json"), "utf8");
    assert.deepEqual(parseStrictJson(text), JSON.parse(text));
  });

  const broken: readonly (readonly [string, string])[] = [
    ["", "expected a value, found the end at position 0"],
    ['{"a": 1,}', 'expected a key, found "}" at position 8'],
    ['{"a" 1}', "expected ':', found \"1\" at position 5"],
    ["[1 2]", "expected ',' or ']', found \"2\" at position 3"],
    ["[1, 2", "expected ',' or ']', found the end at position 5"],
    ["[01]", "expected ',' or ']', found \"1\" at position 2"],
    ["[NaN]", 'expected a value, found "N" at position 1'],
    ["{} x", 'expected the end, found "x" at position 3'],
    ['["abc', "a string without end, begun at position 1"],
    ['["\\x"]', "a string with a broken escape or a control character, begun at position 1"],
    ['["a\nb"]', "a string with a broken escape or a control character, begun at position 1"],
    ['{"a": 1, "b": {"a": 1, "a": 2}}', 'key "a" for the second time at position 23'],
    ["[".repeat(100), "nesting deeper than 64 at position 65"],
  ];
  for (const [text, message] of broken) {
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(() => parseStrictJson(text), { name: "JsonError", message });
    });
  }
});
