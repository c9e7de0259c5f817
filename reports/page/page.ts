/**
 * The script of a report's page: shows samples as cards, which can be filtered and searched. It is compiled separately
 * for the browser (tsconfig.json in this folder) and embedded in the page, so it imports types only. Data is always
 * inserted as text.
 */
import type { PageData, PageSample } from "../html/page-data.ts";

type Answer = PageSample["answers"][number];
type Verdict = "right" | "partly" | "wrong" | "unjudged";

const cardsAtOnce = 24;
const data = readData();
const controls = {
  task: element("filter-task", HTMLSelectElement),
  checkpoint: element("filter-checkpoint", HTMLSelectElement),
  verdict: element("filter-verdict", HTMLSelectElement),
  runs: element("filter-runs", HTMLSelectElement),
  search: element("filter-search", HTMLInputElement),
};
const cards = element("cards", HTMLElement);
const count = element("gallery-count", HTMLElement);
const more = element("more", HTMLButtonElement);
let found: readonly PageSample[] = [];
let shown = 0;

function start(): void {
  if (data === null) return;
  for (const control of Object.values(controls)) control?.addEventListener("input", show);
  more?.addEventListener("click", showMore);
  // The page has no server, so a form must not be submitted.
  element("filters", HTMLFormElement)?.addEventListener("submit", (event) => {
    event.preventDefault();
  });
  show();
}

function readData(): PageData | null {
  const text = document.getElementById("data")?.textContent;
  return text === undefined ? null : (JSON.parse(text) as PageData); // embedded in the page together with this script
}

/** null where the page has no gallery. */
function element<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind | null {
  const one = document.getElementById(id);
  return one instanceof kind ? one : null;
}

function show(): void {
  found = (data?.samples ?? []).filter(isWanted);
  shown = 0;
  cards?.replaceChildren();
  const all = data?.samples.length ?? 0;
  if (count !== null)
    count.textContent = found.length === 0 ? "No sample is like that." : `${found.length} of ${all} samples`;
  showMore();
}

function showMore(): void {
  cards?.append(...found.slice(shown, shown + cardsAtOnce).map(cardOf));
  shown = Math.min(found.length, shown + cardsAtOnce);
  if (more === null) return;
  more.hidden = shown >= found.length;
  more.textContent = `Show more (${found.length - shown} left)`;
}

function isWanted(sample: PageSample): boolean {
  const { task, checkpoint, verdict, runs, search } = controls;
  if (task !== null && task.value !== "" && task.value !== String(sample.group)) return false;
  const answers = sample.answers.filter(({ run }) => isOf(run, checkpoint?.value ?? ""));
  if (answers.length === 0) return false;
  const wanted = verdict?.value ?? "";
  if (wanted !== "" && !answers.some((answer) => verdictOf(sample, answer) === wanted)) return false;
  const isDiffering = new Set(answers.map(({ text }) => text)).size > 1;
  if (runs?.value === "differ" && !isDiffering) return false;
  if (runs?.value === "agree" && (isDiffering || answers.length < 2)) return false;
  const words = (search?.value ?? "").trim().toLowerCase();
  return words === "" || textOf(sample, answers).includes(words);
}

function isOf(run: number, checkpoint: string): boolean {
  return checkpoint === "" || data?.runs[run]?.checkpoint === checkpoint;
}

function textOf({ id, image, question, references }: PageSample, answers: readonly Answer[]): string {
  const said = answers.flatMap(({ text, prompt }) => [text, prompt ?? ""]);
  return [id, image, question ?? "", ...references, ...said].join("\n").toLowerCase();
}

function verdictOf({ group }: PageSample, { score }: Answer): Verdict {
  if (score === null || data?.groups[group]?.isFraction !== true) return "unjudged";
  if (score >= 1) return "right";
  return score > 0 ? "partly" : "wrong";
}

function cardOf(sample: PageSample): HTMLElement {
  const group = data?.groups[sample.group];
  const card = create("article", "card");
  card.append(pictureOf(sample));
  const body = create("div", "body");
  body.append(create("p", "quiet small", `${group?.title ?? ""} · ${sample.id}`));
  body.append(create("h3", "", sample.question ?? promptsOf(sample)[0] ?? "What is in the picture?"));
  body.append(answersOf(sample));
  if (sample.references.length > 0) body.append(foldOf("references", counted(sample.references)));
  const prompts = promptsOf(sample);
  if (prompts.length > 0) body.append(foldOf(prompts.length === 1 ? "prompt" : "prompts", prompts));
  const link = tryLink(sample);
  if (link !== null) body.append(link);
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
function tryLink({ id, question, answers }: PageSample): HTMLElement | null {
  const run = data?.runs[answers.find(({ run }) => isOf(run, controls.checkpoint?.value ?? ""))?.run ?? -1];
  if (run === undefined) return null;
  const words = new URLSearchParams({ run: run.identity.slice(0, identityLetters), sample: id, folder: run.folder });
  if (question !== null && answers.some(({ prompt }) => prompt !== null)) words.set("question", question);
  const link = document.createElement("a");
  link.href = `${tryUrl}#${words.toString()}`;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.className = "try";
  link.textContent = "try it";
  link.title = `In your browser, while this serves it: npx blip2-bench try --runs ${run.folder}`;
  const line = create("p", "small");
  line.append(link);
  return line;
}

function pictureOf({ thumbnail, image }: PageSample): HTMLElement {
  const figure = create("figure", "picture");
  if (thumbnail !== null) {
    const picture = document.createElement("img");
    picture.src = thumbnail;
    picture.alt = `image ${image}`;
    picture.decoding = "async";
    figure.append(picture);
  }
  figure.append(create("figcaption", "quiet small", thumbnail === null ? `no image: ${image}` : image));
  return figure;
}

const marks: Readonly<Record<Verdict, string>> = { right: "✓", partly: "≈", wrong: "✗", unjudged: "" };
const words: Readonly<Record<Verdict, string>> = {
  right: "right",
  partly: "partly right",
  wrong: "wrong",
  unjudged: "",
};

/** One line for each distinct answer, with the names of the runs that gave it. */
function answersOf(sample: PageSample): HTMLElement {
  const list = create("ul", "answers");
  const byAnswer = new Map<string, Answer[]>();
  for (const answer of sample.answers) {
    if (!isOf(answer.run, controls.checkpoint?.value ?? "")) continue;
    const key = `${String(answer.score)} ${answer.text}`;
    byAnswer.set(key, [...(byAnswer.get(key) ?? []), answer]);
  }
  for (const answers of byAnswer.values()) {
    const [first] = answers;
    if (first === undefined) continue;
    const verdict = verdictOf(sample, first);
    const line = create("li", verdict);
    line.append(
      create("span", "mark", marks[verdict]),
      create("span", "answer", first.text === "" ? "(nothing)" : first.text),
    );
    if (first.score !== null) line.append(create("span", "score", scoreText(sample, first.score, verdict)));
    line.append(create("span", "runs quiet", answers.map(({ run }) => data?.runs[run]?.name ?? "").join(", ")));
    list.append(line);
  }
  return list;
}

function scoreText(sample: PageSample, score: number, verdict: Verdict): string {
  const group = data?.groups[sample.group];
  if (group === undefined) return "";
  const shownScore = (group.pointsPerUnit * score).toFixed(group.digits);
  return verdict === "unjudged" ? `${group.metric} ${shownScore}` : `${words[verdict]}, ${shownScore} %`;
}

function promptsOf({ answers }: PageSample): readonly string[] {
  return [...new Set(answers.flatMap(({ prompt }) => prompt ?? []))];
}

/** References with their counts, such as `red ×7`, the most frequent first. */
function counted(references: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const reference of references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reference, times]) => (times === 1 ? reference : `${reference} ×${times}`));
}

function foldOf(title: string, lines: readonly string[]): HTMLElement {
  const isShort = lines.length === 1 && (lines[0]?.length ?? 0) < 60;
  if (isShort || lines.join(", ").length < 60) {
    const line = create("p", "small quiet", `${title}: ${lines.join(", ")}`);
    return line;
  }
  const fold = create("details", "small");
  fold.append(create("summary", "quiet", `${title} (${lines.length})`));
  const list = create("ul", "");
  list.append(...lines.map((line) => create("li", "", line)));
  fold.append(list);
  return fold;
}

function create(name: string, className: string, text = ""): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

/** Opens all folded parts of the report while it is printed, since paper cannot be unfolded. */
function unfoldForPrint(): void {
  let unfolded: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open], .small)")];
    for (const fold of unfolded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of unfolded) fold.open = false;
  });
}

unfoldForPrint();
start();
