/** The records of a JSON file, one at a time, against JSON.parse; and the line and column where a file is broken. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readJsonEntries, readJsonLists } from "../../datasets/json-records.ts";
import { findSyntaxFault } from "../../datasets/json-syntax.ts";
import { fieldsOf, integerField, listField, stringField } from "../../datasets/record-fields.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";

async function listOf(content: string | Uint8Array, name = "questions"): Promise<unknown[]> {
  const values: unknown[] = [];
  const path = join(datasetFolder({ "a.json": content }), "a.json");
  await readJsonLists({ split: "vqav2 val", path }, { [name]: ({ value }) => values.push(value) });
  return values;
}

/** What is said of a file that should hold a list of questions. */
async function saidOf(content: string | Uint8Array): Promise<string> {
  const folder = datasetFolder({ "a.json": content });
  const file = { split: "vqav2 val", path: join(folder, "a.json") };
  return await refusal(readJsonLists(file, { questions: () => undefined }), folder);
}

describe("JSON records", () => {
  after(removeDatasetFolders);

  it("gives what JSON.parse gives, whatever stands in strings, numbers and brackets", async () => {
    const values = [
      { a: 'quote " and \\ and ] } {', b: [[1, -2.5e-3], []] },
      "é 日本 😀 \ud800",
      0,
      true,
      null,
      [],
      {},
      "",
    ];
    const pretty = JSON.stringify({ info: { version: 1 }, questions: values, other: [1] }, null, 2);
    assert.deepEqual(await listOf(pretty), values);
    assert.deepEqual(await listOf('{"questions":["\\u00e9\\n"]}'), ["é\n"]);
    assert.deepEqual(await listOf('\uFEFF \r\n\t{ "questions" : [ ] } \n'), []);
  });

  it("gives values of every length whole, wherever the file is cut into chunks", async () => {
    const values = Array.from({ length: 300 }, (_, n) => ({ n, text: 'ab\\é"'.repeat((n * 7919) % 4000) }));
    values.push({ n: 300, text: "x".repeat(3_000_000) }); // longer than a chunk of 1 MiB
    const content = JSON.stringify({ questions: values });
    assert.ok(content.length > 5_000_000);
    assert.deepEqual(await listOf(content), values);
  });

  it("gives the other top-level values, and several lists in the order of the file", async () => {
    const path = join(
      datasetFolder({ "a.json": { data_subtype: "val2014", annotations: [1, 2], info: {}, images: [3] } }),
      "a.json",
    );
    const seen: unknown[] = [];
    const fields = await readJsonLists(
      { split: "x", path },
      {
        images: ({ value, number }) => seen.push(["image", value, number]),
        annotations: ({ value, number }) => seen.push(["annotation", value, number]),
      },
    );
    assert.deepEqual(seen, [
      ["annotation", 1, 1],
      ["annotation", 2, 2],
      ["image", 3, 1],
    ]);
    assert.deepEqual(
      [...fields],
      [
        ["data_subtype", "val2014"],
        ["info", {}],
      ],
    );
  });

  it("gives the entries of an object with their keys, and those of a list without", async () => {
    const folder = datasetFolder({ "object.json": { b: 1, a: 2 }, "list.json": [5] });
    const seen: unknown[] = [];
    for (const name of ["object.json", "list.json"]) {
      await readJsonEntries({ split: "x", path: join(folder, name) }, (record) => seen.push(record));
    }
    assert.deepEqual(seen, [
      { value: 1, number: 1, key: "b" },
      { value: 2, number: 2, key: "a" },
      { value: 5, number: 1, key: null },
    ]);
  });

  it("names line, column and byte of the first character that cannot stand there", async () => {
    assert.equal(
      await saidOf('{"info": {},\n "questions": [\n  {"question": "é", image_id: 5}\n]}'),
      "vqav2 val: FOLDER/a.json: broken JSON at line 3, column 21 (byte 50): " +
        'found "image_id", expected a string key. Get the file again, or mend it there.',
    );
    const cases: [broken: string, place: string, said: string][] = [
      ['{"questions": [1 2]}', "column 18 (byte 17)", 'found "2", expected "," or "]"'],
      ['{"questions": [{"a": 1,}]}', "column 24 (byte 23)", 'found "}", expected a string key'],
      ['{"questions": [{"a": NaN}]}', "column 22 (byte 21)", 'found "NaN", expected a value'],
      ['{"questions": [{"a" 1}]}', "column 21 (byte 20)", 'found "1", expected ":"'],
      ['{"questions": [{"a": [1}]}', "column 24 (byte 23)", 'found "}", expected "," or "]"'],
      ['{"questions": [1,]}', "column 18 (byte 17)", 'found "]", expected a value'],
      ['{"questions" [1]}', "column 14 (byte 13)", 'found "[", expected ":"'],
      ['{"questions": }', "column 15 (byte 14)", 'found "}", expected a value'],
      ['{"questions": [1]; "a": 2}', "column 18 (byte 17)", 'found ";", expected "," or "}"'],
      ['{"questions": [1]}, {}', "column 19 (byte 18)", 'found ",", expected end of file'],
      ['{"questions": [1]}\0\0', "column 19 (byte 18)", "found U+0000, expected end of file"],
      [
        '{"questions": ["a\tb"]}',
        "column 18 (byte 17)",
        "found U+0009, expected an escape such as \\n inside a string",
      ],
      ['{"questions": ["\\x"]}', "column 17 (byte 16)", 'found "\\x", expected an escape such as \\n or \\u00e9'],
      ['{"questions": [01]}', "column 17 (byte 16)", 'found "1", expected nothing more'],
      ["{questions: [1]}", "column 2 (byte 1)", 'found "questions", expected a string key or "}"'],
      ['\uFEFF{"questions": [?]}', "column 16 (byte 18)", 'found "?", expected a value'],
      ["<html>", "column 1 (byte 0)", 'found "<html>", expected "{"'],
      ["[]", "column 1 (byte 0)", 'found "[", expected "{"'],
    ];
    for (const [broken, place, said] of cases) {
      const expected = `broken JSON at line 1, ${place}: ${said}. Get the file again, or mend it there.`;
      assert.equal(await saidOf(broken), `vqav2 val: FOLDER/a.json: ${expected}`, broken);
    }
  });

  it("says of a file cut anywhere that it was cut off", async () => {
    const whole =
      '{"info": {"a": "b"}, "questions": [{"text": "é \\n", "n": [1, true, -1e5, "\\u00e9"]}, {}], "c": 1.5}';
    const bytes = Buffer.from(whole);
    for (let length = 0; length < bytes.length; length++) {
      const said = await saidOf(bytes.subarray(0, length));
      assert.match(said, /: found end of file, expected .*\. The file was cut off: get it again\.$/);
    }
  });

  it("finds a quote that does not pair before the end of the file", async () => {
    const records = Array.from({ length: 100 }, (_, n) => `{"question": "number ${n}", "n": ${n}}`);
    records[40] = '{"question": "number 40, "n": 40}';
    const said = await saidOf(`{"questions": [\n${records.join(",\n")}\n]}`);
    assert.match(said, /at line 42, column 27 \(byte \d+\): found "n", expected "," or "}"/);
  });

  it("refuses a value that no data set has", async () => {
    const content = Buffer.alloc((1 << 22) + 100, " ");
    content.write('{"questions": [[');
    assert.match(
      await saidOf(content),
      /the value at line 1, column 16 \(byte 15\) is longer than 4194304 bytes\. Is a/,
    );
  });

  it("refuses bytes that are not UTF-8", async () => {
    const latin1 = Buffer.from('{"questions": ["\uFFFD", "caf\u00e9"]}'.replace("\uFFFD", "?"), "latin1");
    assert.match(await saidOf(latin1), /at line 1, column 25 \(byte 24\): found byte 0xE9, expected UTF-8 text\./);
    const utf16 = Buffer.from('\uFEFF{"questions": []}', "utf16le");
    assert.match(await saidOf(utf16), /at line 1, column 1 \(byte 0\): found byte 0xFF, expected "{"\./);
    assert.deepEqual(await listOf('{"questions": ["\uFFFD"]}'), ["\uFFFD"]);
  });

  it("says what the top level has when a list is not there", async () => {
    assert.equal(
      await saidOf('{"info": 1, "annotations": []}'),
      'vqav2 val: FOLDER/a.json: has no list "questions"; its top level has: annotations, info. Is this the right file?',
    );
    assert.match(await saidOf('{"questions": {}}'), /"questions" is not a list; its top level has: questions\. /);
    assert.match(await saidOf("{}"), /has no list "questions"; its top level has: nothing\. /);
    assert.match(
      await saidOf('{"questions": [], "questions": []}'),
      /has "questions" twice at its top level\. Keep one\./,
    );
  });

  it("says of a file that cannot be opened why", async () => {
    const said = await refusal(
      readJsonEntries({ split: "gqa val", path: "no-such.json" }, () => undefined),
      "?",
    );
    assert.match(said, /^gqa val: no-such\.json: cannot be read: ENOENT/);
  });

  it("gives the record's number and place with what its reader refuses", async () => {
    const folder = datasetFolder({ "a.json": '{"questions": [{"n": 1, "l": []},\n {"n": 2, "l": [{}, {"t": 5}]}]}' });
    const said = await refusal(
      readJsonLists(
        { split: "vqav2 val", path: join(folder, "a.json") },
        {
          questions: ({ value }) => {
            const fields = fieldsOf(value);
            integerField(fields, "n");
            for (const item of listField(fields, "l").slice(1)) stringField(item, "t");
          },
        },
      ),
      folder,
    );
    assert.equal(
      said,
      'vqav2 val: FOLDER/a.json: record 2 of "questions", at line 2, column 2 (byte 35): l[1].t is 5, expected a string',
    );
  });

  it("walks the syntax as JSON.parse does", () => {
    const sound = ['{"a":[1,{"b":null}],"c":"\\u00e9"}', " [ ] ", "-0.5E+7", '""', "true"];
    for (const text of sound) assert.equal(findSyntaxFault(text), null, text);
    for (const text of ["", "{", "[1,", '{"a"', "-", "1.", ".5", "+1", "'a'", "tru", "[1]]", '"\u0001"', '"\\u00g0"']) {
      assert.throws(() => JSON.parse(text) as unknown);
      assert.notEqual(findSyntaxFault(text), null, text);
    }
  });
});
