/**
 * The words of captions against Stanford's PTBTokenizer 3.4.1 (fixtures/metrics/ptb.json), and its automaton against plain
 * regular expressions.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { captionWords, tokenizeCaptions } from "../../tasks/metrics/captions/caption-tokens.ts";
import { CharacterClasses, LongestMatch } from "../../tasks/metrics/captions/ptb/longest-match.ts";
import { Nfa } from "../../tasks/metrics/captions/ptb/pattern.ts";
import { scan } from "../../tasks/metrics/captions/ptb/scanner.ts";
import { scanPlainly } from "../support/plain-scanner.ts";
import { projectRoot } from "../support/project.ts";

interface Golden {
  runs: { name: string; cases: { input: string; tokenized: string; alone?: string }[] }[];
  batches: { name: string; captions: string[]; tokenized: string[] }[];
}

function readGolden(file: string): Golden {
  return JSON.parse(readFileSync(file, "utf8")) as Golden;
}

const golden = readGolden(path.join(projectRoot, "test/fixtures/metrics/ptb.json"));

describe("caption tokens", () => {
  for (const { name, cases } of golden.runs) {
    it(`are the reference's for the ${cases.length} captions of the run ${name}`, () => {
      assert.deepEqual(
        joined(cases.map(({ input }) => input)),
        cases.map(({ tokenized }) => tokenized),
      );
    });

    it(`are the reference's for each caption of the run ${name} alone, which then ends with the text`, () => {
      assert.deepEqual(
        cases.map(({ input }) => joined([input])[0]),
        cases.map(({ tokenized, alone }) => alone ?? tokenized),
      );
    });
  }

  for (const { name, captions, tokenized } of golden.batches) {
    it(`are the reference's for the run ${name}, line ends as the reference takes them`, () => {
      assert.deepEqual(
        tokenizeCaptions(captions, "official").map((tokens) => tokens.join(" ")),
        tokenized,
      );
    });
  }

  it("are the reference's for 1,816 real captions, skipped where those are not beside the project", function () {
    const file = path.join(projectRoot, "../shared/goldens/metrics/ptb-real.json");
    if (!existsSync(file)) {
      this.skip(); // other people's texts: read where they are, never copied here
    }
    for (const { cases } of readGolden(file).runs) {
      assert.deepEqual(
        joined(cases.map(({ input }) => input)),
        cases.map(({ tokenized }) => tokenized),
      );
    }
  });

  it("stay with their caption, whatever line ends the captions hold", () => {
    const captions = ["a\rb", "c\r\nd", "e\vf\fg", "h\u2028i\u2029j", "k\n", "l\x85m", "n"];
    assert.deepEqual(joined(captions), ["a b", "c d", "e f g", "h i j", "k", "l m", "n"]);
    assert.deepEqual(
      tokenizeCaptions(captions, "official").map((tokens) => tokens.join(" ")),
      ["a", "b", "c", "d", "e", "f", "g"],
    );
  });

  it("stay with their caption where markup runs over captions", () => {
    assert.deepEqual(joined(["a <b c='x", "y'> d", "e"]), ["a <b\xa0c='x", "y'> d", "e"]);
  });

  it("lose punctuation but keep the names of brackets, which the reference's list has in capitals", () => {
    assert.deepEqual(tokenizeCaptions(["“A (red) dog” - it's big; wow!? ..."]), [
      ["a", "-lrb-", "red", "-rrb-", "dog", "it", "'s", "big", "wow", "!?"],
    ]);
  });

  it("depend on the next caption after an abbreviation", () => {
    assert.deepEqual(joined(["plan B.", "The man", "plan B.", "the man"]), ["plan b", "the man", "plan b.", "the man"]);
  });

  it("are none for no captions, empty ones, control characters and halves of surrogate pairs", () => {
    assert.deepEqual(tokenizeCaptions([]), []);
    assert.deepEqual(joined(["", " ", "\0\x01\x1f\x7f", "\ud83d", "\ude00\ud83d", "\ufffe\uffff"]), [
      "",
      "",
      "",
      "",
      "",
      "",
    ]);
    assert.deepEqual(joined(["a\0b\x07c\ud83dd"]), ["a b c d"]);
  });

  it("are found in a caption of ten thousand words", () => {
    const caption = Array.from({ length: 10_000 }, (_, index) => `word${index}`).join(" ");
    assert.equal(joined([`${caption}.`])[0], caption);
  });

  it("become several words at a no-break space, as the reference splits them for BLEU and CIDEr", () => {
    const [tokens = []] = tokenizeCaptions(["add 1 1/2 cups"]);
    assert.deepEqual(tokens, ["add", "1\xa01/2", "cups"]);
    assert.deepEqual(captionWords(tokens), ["add", "1", "1/2", "cups"]);
    assert.deepEqual(captionWords([]), []);
  });
});

describe("the scanner", () => {
  it("agrees with plain regular expressions on random texts of difficult pieces", () => {
    const random = congruential(11);
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: 9 }, () => pieces[Math.floor(random() * pieces.length)] ?? "").join("");
      assert.deepEqual(scan(text), scanPlainly(text), JSON.stringify(text));
    }
  });

  it("takes the longest match, and of equally long ones the first rule", () => {
    assert.deepEqual(longestOf(["a", "abc", "[a-c]+", "ab"], "abcd"), { end: 3, final: 1 });
    assert.deepEqual(longestOf(["a", "[a-c]+", "abc"], "abcd"), { end: 3, final: 1 });
    assert.deepEqual(longestOf(["a (bc)* d?"], "abcbcb"), { end: 5, final: 0 });
    assert.equal(longestOf(["b"], "abc"), null);
  });

  it("matches letters in either case, sets as they are written, and repeats as often as said", () => {
    assert.deepEqual(longestOf(["abc"], "aBC"), { end: 3, final: 0 });
    assert.equal(longestOf(["[a]bc"], "ABC"), null);
    assert.deepEqual(longestOf(["a{2,3}"], "aaaa"), { end: 3, final: 0 });
    assert.equal(longestOf(["a{2}"], "ab"), null);
    assert.deepEqual(longestOf(["(a|b\\+)+ c?"], "ab+a"), { end: 4, final: 0 });
  });

  it("says which pattern cannot be read, and from where", () => {
    const automaton = new Nfa();
    const state = automaton.addState();
    assert.throws(() => automaton.addPattern(state, "a(b"), {
      name: "SyntaxError",
      message: "the scanner's pattern a(b cannot be read from its end",
    });
    assert.throws(() => automaton.addPattern(state, "a)b"), {
      name: "SyntaxError",
      message: "the scanner's pattern a)b cannot be read from )b",
    });
  });
});

/** Where the rules of the scanner meet. */
const pieces = [
  ...Array.from("aZnoy,.!?:;-'\"`()<>/&#@$_*+=~^%\n\t 0 19"),
  ...["’", "‘", "“", "é", "\xad", "½", "…", "\xa0", "\u2028", "—", "€", "°"],
  ...[
    "the",
    "The",
    "can't",
    "don",
    "U.S.",
    "a.m.",
    "Mr.",
    "etc.",
    "no.",
    "Co.",
    "Ill.",
    "St",
    "n't",
    "'s",
    "'ll",
    "O'",
    "y'",
  ],
  ...[
    "cannot",
    "gonna",
    "1/2",
    "10:30",
    "-5",
    "555",
    "123-4567",
    ".com",
    "www.",
    "http://",
    "&amp;",
    "&quot;",
    "&eacute;",
  ],
  ...["<b>", "</b", ' c="', ".jpg", ":)", ";-D", "^_^", "t-shirt", "AT&T", "--", "...", "'90s", "pro-", "-LRB-", "c++"],
];

function joined(captions: readonly string[]): string[] {
  return tokenizeCaptions(captions).map((tokens) => tokens.join(" "));
}

function longestOf(patterns: readonly string[], text: string): { end: number; final: number } | null {
  const automaton = new Nfa();
  const start = automaton.addState();
  const finals = new Map(
    patterns.map((pattern, index) => {
      const first = automaton.addState();
      automaton.addEmptyEdge(start, first);
      return [automaton.addPattern(first, pattern), index] as const;
    }),
  );
  return new LongestMatch(automaton, new CharacterClasses(automaton), { start, finals }).match(text, 0);
}

/** Numbers in 0..1 that are the same in every run. Park and Miller 1988's constants. */
function congruential(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
