/** Where two files of a tokenizer state a setting, against the reference (fixtures/settings). */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import {
  bundledCheckpoint,
  changedCheckpoint,
  changesSchema,
  settingsFixture,
} from "../../support/changed-checkpoint.ts";

const fixture = z
  .object({
    texts: z.array(z.string()),
    results: z.array(
      changesSchema.extend({
        ids: z.array(z.array(z.number())),
        texts: z.array(z.string()),
        padding_side: z.string(),
        image: z.number(),
      }),
    ),
  })
  .parse(settingsFixture("tokenizers.json"));

describe("a tokenizer's files that differ", () => {
  for (const result of fixture.results) {
    it(`${result.base} — are read as the reference reads them: ${result.what}`, async () => {
      const folder = changedCheckpoint(result);
      const content = readFileSync(path.join(folder, "config.json"), "utf8");
      const config = readBlip2Config(content, "config.json");
      // A vocabulary with room for one token more: that the reference gives it no row is not asked here.
      const roomy =
        config.kind === "generation"
          ? { ...config, text: { ...config.text, vocabulary: config.text.vocabulary + 1 } }
          : { ...config, qFormer: { ...config.qFormer, vocabulary: config.qFormer.vocabulary + 2 } };
      const tokenizer = await loadTokenizer(folder, roomy);
      const found = fixture.texts.map((text) => tokenizer.encode(text, { specialTokens: true }));
      assert.deepEqual(found, result.ids);
      assert.deepEqual(
        [...result.ids, [0, 1, 2, 3, 4, 5]].map((each) => tokenizer.decode(each)),
        result.texts,
      );
      assert.equal(tokenizer.paddingSide, result.padding_side);
      assert.equal(tokenizer.imageTokens[0], result.image);
    });
  }

  it("are told of: what tokenizer.json says and is not followed", async () => {
    const told = async (name: string, settings: object): Promise<readonly string[]> => {
      const base = bundledCheckpoint(name);
      const config = JSON.parse(readFileSync(path.join(base, "tokenizer_config.json"), "utf8")) as object;
      const folder = changedCheckpoint({ base: name, what: "", files: { "tokenizer_config.json": null } });
      writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify({ ...config, ...settings }));
      const notes: string[] = [];
      const content = readFileSync(path.join(base, "config.json"), "utf8");
      await loadTokenizer(folder, readBlip2Config(content, "config.json"), (note) => void notes.push(note));
      return notes.map((note) => note.replace(folder, "FOLDER"));
    };
    const followed = "by tokenizer_config.json, which is followed, as in transformers.";
    assert.deepEqual(await told("shapes-opt-small", {}), []);
    assert.deepEqual(await told("shapes-t5-small", {}), []);
    assert.deepEqual(await told("shapes-itm", {}), []);
    assert.deepEqual(await told("shapes-opt-small", { add_prefix_space: true }), [
      `FOLDER: add_prefix_space is false in tokenizer.json and true ${followed}`,
    ]);
    assert.deepEqual(await told("shapes-itm", { do_lower_case: false }), [
      `FOLDER: lowercase is true in tokenizer.json and false ${followed}`,
    ]);
  });
});
