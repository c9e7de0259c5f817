/** One sample whole, in a dialog: picture, what was asked, and of each run how it came to its answer and to its score. */
import type { PageAnswer, PageSample } from "../html/page-data.ts";
import { counted, data, questionOf, runName, saidText, scoreText } from "./answers.ts";
import type { Row } from "./answers.ts";
import { pictureOf } from "./cards.ts";
import { button, create, element, linesOf } from "./dom.ts";

const dialog = element("opened", HTMLDialogElement);

/** `rows`: those that are shown, among which the reader can go on. */
export function openSample(rows: readonly Row[], place: number): void {
  const row = rows[place];
  if (dialog === null || row === undefined) return;
  const { sample } = row;
  const title = create("h3", "", questionOf(sample));
  title.id = "opened-title";
  title.tabIndex = -1;
  const body = create("div", "opened");
  body.append(pictureOf(sample), factsOf(sample));
  dialog.replaceChildren(buttonsOf(rows, place), title, body, ...sample.answers.map((one) => answerOf(row, one)));
  if (!dialog.open) dialog.showModal();
  title.focus();
  dialog.scrollTop = 0;
}

function buttonsOf(rows: readonly Row[], place: number): HTMLElement {
  const line = create("p", "steps");
  // Another answer to the sample that is open is no other sample.
  const isOther = (at: number): boolean => rows[at]?.sample !== rows[place]?.sample;
  const next = rows.findIndex((_, at) => at > place && isOther(at));
  const previous = rows.findLastIndex((_, at) => at < place && isOther(at));
  const step = (text: string, to: number): HTMLButtonElement => {
    const made = button(text, () => {
      openSample(rows, to);
    });
    made.disabled = to === -1;
    return made;
  };
  const close = button("Close", () => dialog?.close());
  line.append(step("Previous", previous), step("Next", next), close);
  return line;
}

function factsOf(sample: PageSample): HTMLElement {
  const columns = Object.entries(sample.columns).map(([name, value]) => [name, String(value)] as const);
  return linesOf([
    ["task", data?.groups[sample.group]?.title ?? ""],
    ["sample", sample.id],
    ...columns,
    ...(sample.references.length === 0 ? [] : [["references", counted(sample.references).join("\n")] as const]),
  ]);
}

/** Unfolded where it is the answer that was opened. */
function answerOf({ sample, answer: chosen }: Row, answer: PageAnswer): HTMLElement {
  const fold = create("details", "run");
  fold.open = answer === chosen;
  const summary = create("summary");
  const score = scoreText({ sample, answer });
  summary.append(create("b", "", runName(answer.run)), ` ${saidText(answer)}`);
  if (score !== "") summary.append(create("span", "quiet", ` ${score}`));
  fold.append(summary);
  for (const part of answer.parts) {
    const { title = "", lines = [] } = data?.parts[part] ?? {};
    fold.append(create("h4", "", title), linesOf(lines));
  }
  if (answer.parts.length === 0) fold.append(create("p", "quiet", "Nothing more is known of this answer."));
  return fold;
}
