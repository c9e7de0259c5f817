/**
 * The rules of Stanford's PTBTokenizer 3.4.1 with the options that keep lines and lower-case, in its order. At every position
 * the longest match wins, look-ahead counted; of equally long ones the first rule. Text no rule matches is dropped.
 */
import {
  acronym,
  endingAbbreviation,
  leadingAbbreviation,
  longAcronym,
  numberAbbreviation,
  sentenceStart,
} from "./abbreviations.ts";
import {
  apostrophe,
  apostropheLike,
  clitic,
  digit,
  innerPunctuation,
  letter,
  letterOrDigit,
  lineBreak,
  markup,
  negation,
  oneOf,
  space,
  whitespace,
  word,
} from "./characters.ts";
import {
  asSpelled,
  bracketNames,
  closeSpaces,
  currency,
  fraction,
  quotes,
  straightApostrophe,
  withoutSoftHyphens,
} from "./spelling.ts";

export interface Rule {
  readonly pattern: string;
  /** A look-ahead: the rule applies only before text that matches this, which is not part of the token. */
  readonly before?: string;
  /** How many characters at the end of the match are read again, as the beginning of what follows. */
  readonly readAgain?: number;
  /** Makes the token from the matched text; null: no token; a string: the token itself. */
  readonly token: ((text: string) => string) | string | null;
}

/** The match of a line break: not a token but the end of an output line. */
export const lineBreakRule: Rule = { pattern: lineBreak, token: null };

const words: readonly Rule[] = [
  { pattern: String.raw`c\+\+ | [cCfF]#`, token: asSpelled },
  { pattern: "cannot", readAgain: 3, token: (text) => text.slice(0, -3) },
  { pattern: "'twas", readAgain: 3, token: (text) => text.slice(0, -3) },
  { pattern: "'tis", readAgain: 2, token: (text) => text.slice(0, -2) },
  { pattern: oneOf("gonna gotta lemme gimme wanna"), readAgain: 2, token: (text) => text.slice(0, -2) },
  { pattern: markup, token: closeSpaces },
  { pattern: String.raw`[\u2013\u2014\u2015\x96\x97] | &(mdash|ndash|MD);`, token: "--" },
  { pattern: "&amp;", token: "&" },
  { pattern: "& (#[0-9]+ | HT | TL | UR | LR | QC | QL | QR | odq | cdq);", token: asSpelled },
  { pattern: word, before: clitic, token: withoutSoftHyphens },
  { pattern: "[A-Za-z]* [A-MO-Za-mo-z]", before: negation, token: asSpelled },
  { pattern: word, token: withoutSoftHyphens },
];

const apostropheWords: readonly Rule[] = [
  {
    pattern: String.raw`
      ${apostrophe} n ${apostrophe}? | [lLdDjJ] ${apostrophe} | (Dunkin|somethin|ol) ${apostrophe} |
      ${apostrophe} (em | [2-9]0s | till? | cause) |
      [A-HJ-XZn] ${apostropheLike} ${letter}{2} ${letter}* |
      ${letter} ${letter}* [aeiouyAEIOUY] ${apostropheLike} [aeiouA-Z] ${letter}* |
      cont${apostrophe}d\. | e${apostrophe}er | nor${apostrophe}easter | c${apostrophe}mon | s${apostrophe}mores |
      ev${apostrophe}ry | li${apostrophe}l | nat${apostrophe}l | o${apostrophe}o`,
    token: asSpelled,
  },
  { pattern: `y ${apostrophe}`, before: letter, token: asSpelled },
];

// `,-_` in the reference's pattern for dotted names is a range, so capitals and digits are not part of them.
const nameInAddress = String.raw`[^ \t\n\f\r"'\x60<>|!?(){}$,-_]+`;
const inAddress = String.raw`[^ \t\n\f\r"<>|(){}]`;
const endOfAddress = String.raw`[^ \t\n\f\r"<>|(){}.!?,-]`;
const afterSlash = String.raw`(\/ [^ \t\n\f\r"<>|()]+ ${endOfAddress})?`;

const addresses: readonly Rule[] = [
  { pattern: String.raw`https?:\/\/ ${inAddress}+ ${endOfAddress}`, token: asSpelled },
  {
    pattern: String.raw`
      www\. ([^ \t\n\f\r"<>|.!?(){},]+ \.)+ [a-zA-Z]{2,4} ${afterSlash} |
      (${nameInAddress} \.)+ (com|net|org|edu) ${afterSlash}`,
    token: asSpelled,
  },
  {
    pattern: String.raw`
      (&lt;|<)? [a-zA-Z0-9] [^ \t\n\f\r"<>|()\xa0{}]* @
      ([^ \t\n\f\r"<>|(){}.\xa0]+ \.)* [^ \t\n\f\r"<>|(){}.\xa0]+ (&gt;|>)?`,
    token: asSpelled,
  },
  { pattern: `@ [a-zA-Z_] [a-zA-Z_0-9]* | # ${letter}+`, token: asSpelled },
];

const sign = String.raw`[-+]`;
const inNumber = String.raw`[.:,\xad\u066b\u066c]`;
const slash = String.raw`(\\? \/)`;

const numbers: readonly Rule[] = [
  { pattern: clitic, before: "[^A-Za-z]", token: straightApostrophe },
  { pattern: negation, before: "[^A-Za-z]", token: straightApostrophe },
  { pattern: String.raw`${digit}{1,2} [-\/] ${digit}{1,2} [-\/] ${digit}{2,4}`, token: asSpelled },
  { pattern: `${sign}? (${digit}+ | ${digit}* (${inNumber} ${digit}+)+)`, token: withoutSoftHyphens },
  { pattern: String.raw`[\u2070\xb9\xb2\xb3\u2074-\u2079]+ | [\u2080-\u2089]+`, token: asSpelled },
  {
    pattern: String.raw`(${digit}{1,4} [- \xa0])? ${digit}{1,4} (${slash}|\u2044) ${digit}{1,4}`,
    token: closeSpaces,
  },
  { pattern: String.raw`[\xbc\xbd\xbe\u2153-\u215e]`, token: fraction },
];

const asciiWord = "[A-Za-z0-9]+ (-[A-Za-z]+){0,2}";

const compounds: readonly Rule[] = [
  {
    pattern: String.raw`
      -(LRB|RRB|LCB|RCB|LSB|RSB)- | pro- | anti- | C\.D\.s | S(&|&amp;)P-500 | S(&|&amp;)Ls |
      Cap${apostrophe}n | c${apostrophe}est`,
    token: asSpelled,
  },
  { pattern: `${asciiWord} (${slash} ${asciiWord}){1,2}`, token: asSpelled },
  { pattern: String.raw`[A-Z]* \$ | #`, token: asSpelled },
  {
    pattern: String.raw`[\xa2\xa3\xa4\xa5\x80\u20a0\u20ac\u060b\u0e3f\u20a4\uffe0\uffe1\uffe5\uffe6]`,
    token: currency,
  },
];

const abbreviations: readonly Rule[] = [
  {
    pattern: acronym,
    before: `${whitespace}+ (${sentenceStart} | ${markup}) ${whitespace}`,
    readAgain: 1, // the period ends the sentence too, and a single letter has none of its own
    token: (text) => (text.length === 2 ? text.slice(0, 1) : text),
  },
  { pattern: numberAbbreviation, before: `${space}? ${digit}`, token: asSpelled },
  { pattern: String.raw`(pty|co) \.`, before: `${space} (ltd|lim)`, token: asSpelled },
  {
    pattern: endingAbbreviation,
    before: `${whitespace} (${whitespace} | [A-Z] | ${markup})`,
    readAgain: 1,
    token: asSpelled,
  },
  { pattern: endingAbbreviation, before: "[^][^]", token: asSpelled },
  { pattern: endingAbbreviation, readAgain: 1, token: asSpelled },
  { pattern: leadingAbbreviation, token: asSpelled },
  { pattern: acronym, token: asSpelled },
  { pattern: `${apostrophe} [0-9]{2}`, before: whitespace, token: asSpelled },
  {
    pattern: String.raw`
      ${letterOrDigit}+ ([-._\/] ${letterOrDigit}+)* \. ${oneOf(`
        bat bmp c class cgi cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps py sql tar
        txt wav x xml zip`)}`,
    before: `(${whitespace} | [.?!,])`,
    token: asSpelled,
  },
  { pattern: String.raw`${word} \.`, before: innerPunctuation, token: withoutSoftHyphens },
  {
    pattern: String.raw`
      (\([0-9]{2,3}\) [ \xa0]? | (\+ \+?)? ([0-9]{2,4} [- \xa0])? [0-9]{2,4} [- \xa0]) [0-9]{3,4} [- \xa0]? [0-9]{3,5} |
      ((\+ \+?)? [0-9]{2,4} \.)? [0-9]{2,4} \. [0-9]{3,4} \. [0-9]{3,5}`,
    token: (text) => bracketNames(closeSpaces(text)),
  },
];

const eyes = String.raw`[<>]? [:;=]`;
const faceSide = String.raw`[-\^x=~<>']`;

const symbols: readonly Rule[] = [
  { pattern: `" | &quot;`, before: "[A-Za-z0-9$]", token: "``" },
  { pattern: `" | &quot;`, token: "''" },
  { pattern: "< | &lt;", token: "<" },
  { pattern: "> | &gt;", token: ">" },
  { pattern: String.raw`${eyes} [-o*']? [()DPdpO\\\{@|[\]]`, before: "[^A-Za-z0-9]", token: bracketNames },
  {
    pattern: String.raw`
      ${faceSide} _ ${faceSide} | \( ${faceSide} [_.]? ${faceSide} \) | \( [\^x=~<>'] - [\^x=~<>'\x60] \)`,
    token: bracketNames,
  },
  { pattern: String.raw`[(){}[\]]`, token: bracketNames },
  { pattern: "-+", token: (text) => (text.length === 3 || text.length === 4 ? "--" : text) },
  { pattern: String.raw`\.{3,5} | (\.[ \xa0]){2,4} \. | [\x85\u2026]`, token: "..." },
  { pattern: String.raw`@+ | #+ | _+ | \*+ | (\\\*){1,3}`, token: asSpelled },
  { pattern: `${innerPunctuation} | [?!]+`, token: asSpelled },
  { pattern: String.raw`[.\xa1\xbf\u037e\u0589\u061f\u06d4\u0700-\u0702\u07fa\u3002] | [=\/]`, token: asSpelled },
];

const asciiHyphenated = String.raw`[A-Za-z0-9] [A-Za-z0-9.,\xad]* (- ([A-Za-z0-9\xad]+ | ${longAcronym}))+`;
const hyphen = String.raw`[-_\u058a\u2010\u2011]`;
const hyphenPart = `([dDoOlL] ${apostropheLike} ${letterOrDigit})? ${letterOrDigit}+`;
const hyphenated = `${hyphenPart} (${hyphen} ${hyphenPart})*`;
const capitals = "[A-Z]+ (([+&] | &amp;) [A-Z]+)+";

const remaining: readonly Rule[] = [
  { pattern: asciiHyphenated, before: "[^a-zA-Z0-9.+]", token: withoutSoftHyphens },
  { pattern: String.raw`${asciiHyphenated} \.`, before: innerPunctuation, token: withoutSoftHyphens },
  { pattern: asciiHyphenated, token: withoutSoftHyphens },
  { pattern: String.raw`${hyphenated} \.`, before: innerPunctuation, token: withoutSoftHyphens },
  { pattern: hyphenated, token: withoutSoftHyphens },
  { pattern: String.raw`${capitals} \.`, before: innerPunctuation, token: asSpelled },
  { pattern: capitals, token: asSpelled },
  { pattern: "'", before: String.raw`[A-Za-z] [^ \t\n\r\xa0]`, token: "`" },
  { pattern: `${clitic} | ${negation}`, token: straightApostrophe },
  {
    pattern: String.raw`
      ${apostrophe} | '' | [\x60\u2018-\u201f\u2039\u203a\xab\xbb\x91-\x94]{1,2}`,
    token: quotes,
  },
  { pattern: "<< | >>", token: asSpelled },
  {
    pattern: String.raw`
      [+%&~\^|\\\xa6-\xa9\xac\xae-\xb4\xb7-\xba\xd7\xf7\u0387\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u0600-\u0603\u0606-\u060a] |
      [\u060c\u0614\u061b\u061e\u066a\u066d\u0703-\u070d\u07f6-\u07f8\u0964\u0965\u0e4f\u1fbd\u2016\u2017\u2020-\u2023] |
      [\u2030-\u2038\u203b\u203e-\u2042\u2044\u207a-\u207f\u208a-\u208e\u2100-\u214f\u2190-\u21ff\u2200-\u2bff\u3012\u30fb] |
      [\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]`,
    token: asSpelled,
  },
  { pattern: "&nbsp;", token: null },
];

/** All rules, in order. */
export const rules: readonly Rule[] = [
  ...words,
  ...apostropheWords,
  ...addresses,
  ...numbers,
  ...compounds,
  ...abbreviations,
  ...symbols,
  ...remaining,
  lineBreakRule,
];
