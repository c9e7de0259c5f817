/**
 * An OK-VQA prediction as LAVIS scores it: every noun and verb replaced by its lemma, all tokens joined by single spaces
 * (lavis/models/blip2_models/blip2_t5.py, `_lemmatize`). Its references are stems already: "riding horses" must become
 * "ride horse".
 *
 * LAVIS asks spaCy's en_core_web_sm, a neural tagger that exists for Python only. Here it is wink-nlp with its English
 * model, which like spaCy uses universal parts of speech, splits "don't" into "do n't" and "t-shirt" into "t - shirt",
 * and lemmatises by WordNet's rules and exceptions. What differs: the part of speech that a word without a sentence
 * around it is given ("surfing" is a noun here and stays, capitalised words are names and stay), so some answers keep
 * an ending spaCy cuts or lose one it keeps. Scores differ from LAVIS's by what these answers are worth.
 */
import model from "wink-eng-lite-web-model";
import winkNlp from "wink-nlp";

/** Tokens of `answer` with spaces between them, nouns and verbs as lemmas, all others as they are written. */
export function lemmatise(answer: string): string {
  tag ??= openTagger();
  const words = tag(answer).map(({ text, partOfSpeech, lemma }) => {
    if (partOfSpeech === "VERB") return withLostE(text.toLowerCase(), lemma);
    return partOfSpeech === "NOUN" ? lemma : text;
  });
  return words.join(" ");
}

type Tagger = (text: string) => { text: string; partOfSpeech: unknown; lemma: string }[];

/** Made when it is first needed: it takes 60 ms and 30 MB. */
let tag: Tagger | undefined;

function openTagger(): Tagger {
  const nlp = winkNlp(model, ["pos"]);
  // wink-nlp's type declarations of these functions do not match the parameter of `out` that takes them.
  const properties: Readonly<Record<string, unknown>> = { ...nlp.its };
  return (text) => {
    const tokens: TokenColumns = nlp.readDoc(text).tokens();
    const partsOfSpeech = tokens.out(properties["pos"]);
    const lemmas = tokens.out(properties["lemma"]);
    return tokens.out().map((text, index) => ({
      text,
      partOfSpeech: partsOfSpeech[index],
      lemma: String(lemmas[index]),
    }));
  };
}

/** The tokens of a text: as they are written, or one property of each. */
interface TokenColumns {
  out(): string[];
  out(property: unknown): unknown[];
}

/**
 * wink-nlp tries "rid" before "ride" for "riding"; spaCy's rules have the form with "e" first. A short stem would double its
 * consonant ("ridding"), so where it has not, the "e" was there.
 */
function withLostE(word: string, lemma: string): string {
  const isBareStem = word === `${lemma}ing` || word === `${lemma}ed`;
  const wouldDouble = /^[^aeiou]*[aeiou][^aeiouswxy]$/.test(lemma);
  return isBareStem && wouldDouble ? `${lemma}e` : lemma;
}
