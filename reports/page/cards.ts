/** Samples as cards: picture, question, and one line for each distinct answer. */
import type { PageAnswer, PageSample } from "../html/page-data.ts";
import { counted, data, imageOf, promptsOf, questionOf, runName, saidText } from "./answers.ts";
import { scoreText, verdictMarks, verdictOf } from "./answers.ts";
import { answersShown } from "./chosen-rows.ts";
import { button, create } from "./dom.ts";

/** `onOpen`: called where the sample is to be shown whole. */
export function cardOf(sample: PageSample, onOpen: () => void): HTMLElement {
  const group = data?.groups[sample.group];
  const card = create("article", "card");
  card.append(pictureOf(sample));
  const body = create("div", "body");
  body.append(create("p", "quiet small", `${group?.title ?? ""} · ${sample.id}`));
  body.append(create("h3", "", questionOf(sample)));
  body.append(answersOf(sample));
  if (sample.references.length > 0) body.append(foldOf("references", counted(sample.references)));
  const prompts = promptsOf(sample);
  if (prompts.length > 0) body.append(foldOf(prompts.length === 1 ? "prompt" : "prompts", prompts));
  const line = create("p", "small actions");
  line.append(button("open", onOpen, `open sample ${sample.id}`));
  const link = tryLink(sample);
  if (link !== null) line.append(link);
  body.append(line);
  card.append(body);
  return card;
}

/** Default address of `try` (harness/cli/commands/declared/try-a-model.ts); its page reads the part behind the #. */
const tryUrl = "http://localhost:8080/";
const identityLetters = 16; // length of the prefix of a run's identity by which links name it

/**
 * A link that opens the sample in the page of `try`, which must have been started with this run. null: no shown run has
 * the sample.
 */
function tryLink(sample: PageSample): HTMLElement | null {
  const { id, question, answers } = sample;
  const run = data?.runs[answersShown(sample)[0]?.run ?? -1];
  if (run === undefined) return null;
  const words = new URLSearchParams({ run: run.identity.slice(0, identityLetters), sample: id, folder: run.folder });
  if (question !== null && answers.some(({ prompt }) => prompt !== null)) words.set("question", question);
  const link = create("a", "try", "try it");
  link.href = `${tryUrl}#${words.toString()}`;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.title = `In your browser, while this serves it: npx blip2-bench try --runs ${run.folder}`;
  return link;
}

export function pictureOf(sample: PageSample): HTMLElement {
  const { name, thumbnail } = imageOf(sample);
  const figure = create("figure", "picture");
  if (thumbnail !== null) {
    const picture = create("img");
    picture.src = thumbnail;
    picture.alt = `image ${name}`;
    picture.decoding = "async";
    figure.append(picture);
  }
  figure.append(create("figcaption", "quiet small", thumbnail === null ? `no image: ${name}` : name));
  return figure;
}

/** One line for each distinct answer, with the names of the runs that gave it. */
function answersOf(sample: PageSample): HTMLElement {
  const list = create("ul", "answers");
  const byAnswer = new Map<string, PageAnswer[]>();
  for (const answer of answersShown(sample)) {
    const key = `${String(answer.score)} ${answer.text}`;
    byAnswer.set(key, [...(byAnswer.get(key) ?? []), answer]);
  }
  for (const answers of byAnswer.values()) {
    const [first] = answers;
    if (first === undefined) continue;
    const row = { sample, answer: first };
    const verdict = verdictOf(row);
    const line = create("li", verdict);
    line.append(create("span", "mark", verdictMarks[verdict]), create("span", "answer", saidText(first)));
    const score = scoreText(row);
    if (score !== "") line.append(create("span", "score", score));
    line.append(create("span", "runs quiet", answers.map(({ run }) => runName(run)).join(", ")));
    list.append(line);
  }
  return list;
}

function foldOf(title: string, lines: readonly string[]): HTMLElement {
  if (lines.join(", ").length < 60) return create("p", "small quiet", `${title}: ${lines.join(", ")}`);
  const fold = create("details", "small");
  fold.append(create("summary", "quiet", `${title} (${lines.length})`));
  const list = create("ul");
  list.append(...lines.map((line) => create("li", "", line)));
  fold.append(list);
  return fold;
}
