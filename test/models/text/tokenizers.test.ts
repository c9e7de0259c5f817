/** Text to ids and back, and the layout of prompts, against the reference (fixtures/tokenizers, fixtures/input-layout). */
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readCharacterMap } from "../../../models/text/character-map.ts";
import { readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import type { Blip2Config } from "../../../models/checkpoint/config.ts";
import { layoutBatch, layoutPrompt } from "../../support/input-layout.ts";
import { loadTokenizer } from "../../../models/text/tokenizer.ts";
import type { Tokenizer } from "../../../models/text/tokenizer.ts";
import { projectRoot } from "../../support/project.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

interface TokenizerFixture {
  readonly cases: readonly {
    readonly text: string;
    readonly ids: readonly number[];
    readonly ids_without_special: readonly number[];
    readonly decoded: string;
    readonly decoded_skip_special: string;
  }[];
}

interface LayoutFixture {
  readonly prompts: readonly { readonly text: string | null; readonly ids: readonly number[] }[];
  readonly batch: {
    readonly texts: readonly string[];
    readonly ids: readonly (readonly number[])[];
    readonly mask: readonly (readonly number[])[];
  };
}

const fixture = (folder: string, name: string): unknown =>
  JSON.parse(readFileSync(path.join(projectRoot, "test", "fixtures", folder, `${name}.json`), "utf8"));

const bundledFolder = (name: string): string => path.join(projectRoot, "models", "bundled", name);

function configIn(folder: string): Blip2Config {
  const file = path.join(folder, "config.json");
  return readBlip2Config(readFileSync(file, "utf8"), file);
}

for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base", "shapes-itm"]) {
  const isBundled = existsSync(bundledFolder(name));
  const { cases } = fixture("tokenizers", name) as TokenizerFixture;
  const layout = fixture("input-layout", name) as LayoutFixture;

  describe(`tokenizer of ${name}${isBundled ? "" : ": not among the bundled checkpoints"}`, () => {
    let tokenizer: Tokenizer;

    before(async function () {
      if (!isBundled) this.skip();
      tokenizer = await loadTokenizer(bundledFolder(name), configIn(bundledFolder(name)));
    });

    for (const { text, ids, ids_without_special, decoded, decoded_skip_special } of cases) {
      it(`encodes and decodes ${JSON.stringify(text.slice(0, 60))}`, () => {
        assert.deepEqual(tokenizer.encode(text, { specialTokens: true }), ids);
        assert.deepEqual(tokenizer.encode(text, { specialTokens: false }), ids_without_special);
        assert.equal(tokenizer.decode(ids, { skipSpecialTokens: false }), decoded);
        assert.equal(tokenizer.decode(ids), decoded_skip_special);
      });
    }

    it("lays prompts out behind the image tokens", () => {
      for (const { text, ids } of layout.prompts) assert.deepEqual(layoutPrompt(tokenizer, text), ids);
    });

    it("pads a batch as the reference does", () => {
      assert.deepEqual(layoutBatch(tokenizer, layout.batch.texts), { ids: layout.batch.ids, mask: layout.batch.mask });
    });

    it("cuts the text, never the special tokens, to a number of tokens", () => {
      const text = "a photo of a small red star above two big circles";
      const whole = tokenizer.encodePrompt(text);
      const inner = tokenizer.encode(text, { specialTokens: false });
      const special = whole.length - inner.length;
      assert.deepEqual(tokenizer.encodePrompt(text, { maxTokens: whole.length }), whole);
      const cut = tokenizer.encodePrompt(text, { maxTokens: 5 });
      assert.equal(cut.length, 5);
      const start = whole.indexOf(inner[0]!);
      assert.deepEqual(cut.slice(start, start + 5 - special), inner.slice(0, 5 - special));
      assert.equal(cut[0], start === 0 ? inner[0] : whole[0]);
      if (start + inner.length < whole.length) assert.equal(cut.at(-1), whole.at(-1));
    });

    it("leaves out ids it has no token for, and decodes none to nothing", () => {
      const [first = 0] = tokenizer.encode("a", { specialTokens: false });
      assert.equal(tokenizer.decode([first, 100_000]), tokenizer.decode([first]));
      assert.equal(tokenizer.decode([]), "");
    });
  });
}

describe("a tokenizer that does not fit its checkpoint", () => {
  const source = bundledFolder("shapes-opt-small");
  const config = configIn(source);
  assert.ok(config.kind === "generation" && config.text.family === "opt");
  const opt = config.text;

  /** The tokenizer's files with tokenizer.json as changed. */
  function changed(change: (text: string) => string): string {
    const folder = temporaryFolder();
    cpSync(path.join(source, "tokenizer_config.json"), path.join(folder, "tokenizer_config.json"));
    writeFileSync(
      path.join(folder, "tokenizer.json"),
      change(JSON.stringify(JSON.parse(readFileSync(path.join(source, "tokenizer.json"), "utf8")))),
    );
    return folder;
  }

  const refused: readonly (readonly [string, string, Blip2Config, string | RegExp])[] = [
    [
      "is not there",
      temporaryFolder(),
      config,
      "FOLDER/tokenizer.json: no such file; vocab.json, merges.txt or spiece.model alone do not do. Is the download complete?",
    ],
    [
      "has no <image>, which then comes behind its last token",
      changed((text) => text.replaceAll("<image>", "<picture>")),
      config,
      "FOLDER/tokenizer.json: <image> has id 481, expected id 480, the image_token_index in config.json. " +
        "Use a revision of the checkpoint that has both.",
    ],
    [
      "has another <image>",
      changed((text) => text),
      { ...config, imageToken: 479 },
      "FOLDER/tokenizer.json: <image> has id 480, expected id 479, the image_token_index in config.json. " +
        "Use a revision of the checkpoint that has both.",
    ],
    [
      "has ids beyond the embeddings",
      changed((text) => text),
      { ...config, text: { ...opt, vocabulary: 480 } },
      'FOLDER/tokenizer.json: token "<image>" has id 480, expected one below 480, the vocab_size in config.json. ' +
        "Is it the tokenizer of another checkpoint?",
    ],
    [
      "puts no </s> before a text",
      changed((text) => text.replace('{"SpecialToken":{"id":"</s>","type_id":0}},', "")),
      config,
      "FOLDER/tokenizer.json: puts the special tokens [] around a text, expected [2]. Is it the tokenizer of another checkpoint?",
    ],
    [
      "is of a kind the library does not know",
      changed((text) => text.replace('"type":"TemplateProcessing"', '"type":"Unheard"')),
      config,
      /^FOLDER\/tokenizer\.json: the tokenizers library cannot use it: Error: Unknown/,
    ],
    [
      "is broken",
      changed((text) => text.slice(0, -1)),
      config,
      /^FOLDER\/tokenizer\.json: not JSON: expected ',' or '}', found the end at position \d+\. Is the download complete\?$/,
    ],
    ["has no model", changed(() => "{}"), config, "FOLDER/tokenizer.json: model is missing, expected object."],
  ];
  for (const [what, folder, expected, message] of refused) {
    it(`is refused because it ${what}`, async () => {
      await assertRefused(() => loadTokenizer(folder, expected), message, folder);
    });
  }

  it("is read without tokenizer_config.json, with padding on the right", async () => {
    const folder = changed((text) => text);
    rmSync(path.join(folder, "tokenizer_config.json"));
    assert.equal((await loadTokenizer(folder, config)).paddingSide, "right");
  });

  it("may clean up spaces, but not where they are part of the tokens", async () => {
    const folder = changed((text) => text);
    writeFileSync(path.join(folder, "tokenizer_config.json"), '{"clean_up_tokenization_spaces": true}');
    const tokenizer = await loadTokenizer(folder, config);
    const ids = tokenizer.encode("a star ?", { specialTokens: false });
    assert.equal(tokenizer.decode(ids), "a star ?");
  });
});

describe("a tokenizer with a pattern that may take for ever", () => {
  const split = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated", invert: false };
  const replace = { type: "Replace", pattern: { Regex: "(a|a)*b" }, content: "" };
  for (const [base, part, value, pattern] of [
    [
      "shapes-itm",
      "pre_tokenizer",
      { type: "Sequence", pretokenizers: [split] },
      String.raw`/(a+)+(?:(?=\n)|(?![\s\S]))/gu`,
    ],
    ["shapes-t5-small", "normalizer", { type: "Sequence", normalizers: [replace] }, "/(a|a)*b/gu"],
    ["shapes-itm", "decoder", { type: "Sequence", decoders: [replace] }, "/(a|a)*b/gu"],
  ] as const) {
    it(`is refused before the pattern is used: ${part}`, async () => {
      const folder = temporaryFolder();
      cpSync(bundledFolder(base), folder, { recursive: true });
      const file = path.join(folder, "tokenizer.json");
      const json = JSON.parse(readFileSync(file, "utf8")) as object;
      writeFileSync(file, JSON.stringify({ ...json, [part]: value }));
      await assertRefused(
        () => loadTokenizer(folder, configIn(bundledFolder(base))),
        `FOLDER/tokenizer.json: the pattern ${pattern} repeats a group with a choice or a repeat in it, so it may take for ever ` +
          "on some text. Use the tokenizer of the original model.",
        folder,
      );
    });
  }
});

describe("a precompiled character map", () => {
  it("that is damaged is refused", async () => {
    for (const base64 of ["", "AAAA", Buffer.from([255, 255, 255, 0, 1]).toString("base64")]) {
      await assertRefused(
        () => readCharacterMap(base64, "tokenizer.json"),
        "tokenizer.json: the precompiled character map is damaged. Download the tokenizer again.",
      );
    }
  });

  it("replaces keys, longest graphemes piece by piece, and leaves the rest", function () {
    const file = path.join(bundledFolder("shapes-t5-small"), "tokenizer.json");
    if (!existsSync(file)) this.skip();
    const { normalizer } = JSON.parse(readFileSync(file, "utf8")) as { normalizer: { precompiled_charsmap: string } };
    const normalise = readCharacterMap(normalizer.precompiled_charsmap, file);
    assert.equal(normalise("™ ﬁ ①　½"), "TM fi 1 1⁄2");
    assert.equal(normalise("e\u0301"), "é"); // composed
    assert.equal(normalise("a\tb\u0001c"), "a bc"); // a tab is a space, a control character nothing
    assert.equal(normalise("\u{1f468}\u200d\u{1f469}"), "\u{1f468}\u200d\u{1f469}"); // the joiner of emoji stays
    assert.equal(normalise("½\u0308"), "1⁄2"); // the mark is lost, as in the reference
    assert.equal(normalise(""), "");
  });
});
