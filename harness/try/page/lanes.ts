/**
 * The choice of checkpoints and precisions that answer side by side: a row for each lane. Writing texts and matching
 * them have separate lists of lanes. A lane that was chosen for captions may be of a checkpoint that answers no
 * questions: it stays in the list, and is not asked any.
 */
import type { OfferedCheckpoint, PageState, WorkKind } from "../wire.ts";
import { button, create, element } from "./dom.ts";

export interface ChosenLane {
  readonly checkpoint: string;
  readonly precision: string;
}

export interface Lanes {
  /** The lanes that can be asked in the current mode. */
  readonly chosen: () => readonly ChosenLane[];
  /** Adds a lane, up to the maximum. */
  readonly add: () => void;
  readonly show: (mode: WorkKind) => void;
  /** Selects this checkpoint and precision as the only lane, if the server offers it. */
  readonly choose: (lane: ChosenLane) => void;
}

type LaneList = "writing" | "matching";

const mostLanes = 8; // the server's maximum

export function makeLanes({ checkpoints, precisions }: PageState, onChange: () => void): Lanes {
  const fieldset = element("lanes", HTMLFieldSetElement);
  const rows = create("div", "rows");
  const more = button("Add one beside", () => {
    add();
  });
  more.id = "add-lane";
  fieldset.append(rows, more);

  let mode: WorkKind = "caption";
  const list = (): LaneList => (mode === "match" ? "matching" : "writing");
  const offered = (): readonly OfferedCheckpoint[] => checkpoints.filter(({ does }) => does.includes(mode));
  const isAble = ({ checkpoint }: ChosenLane): boolean => offered().some(({ name }) => name === checkpoint);
  const lanesOf: Record<LaneList, ChosenLane[]> = {
    writing: firstOf("caption", checkpoints, precisions),
    matching: firstOf("match", checkpoints, precisions),
  };

  const draw = (): void => {
    const lanes = lanesOf[list()];
    rows.replaceChildren(...lanes.flatMap((lane, index) => rowOf(lane, index, lanes.length > 1)));
    if (lanes.length === 0) rows.append(create("p", "quiet", "No checkpoint here can do this. Name one with --model."));
    more.hidden = lanes.length === 0 || lanes.length >= mostLanes;
  };
  const change = (): void => {
    draw();
    onChange();
  };
  /** The row of a lane; behind it why it is not asked in this mode, if so. */
  const rowOf = (lane: ChosenLane, index: number, isRemovable: boolean): readonly HTMLElement[] => {
    const row = create("div", "lane");
    const set = (part: Partial<ChosenLane>): void => {
      lanesOf[list()] = lanesOf[list()].map((each, place) => (place === index ? { ...each, ...part } : each));
      onChange();
    };
    const labelled = `of lane ${index + 1}`;
    const names = checkpoints
      .filter(({ name, does }) => does.includes(mode) || name === lane.checkpoint)
      .map(({ name, from }) => ({ name, label: from === "bundled" ? name : `${name} (${from})` }));
    row.append(
      selectOf(`Checkpoint ${labelled}`, names, {
        value: lane.checkpoint,
        onSet: (checkpoint) => {
          const wasAble = isAble(lane);
          set({ checkpoint });
          if (wasAble) return;
          draw(); // without the reason
          rows.querySelectorAll<HTMLElement>(".lane")[index]?.querySelector("select")?.focus();
        },
      }),
      selectOf(
        `Precision ${labelled}`,
        precisions.map((name) => ({ name, label: name })),
        {
          value: lane.precision,
          onSet: (precision) => {
            set({ precision });
          },
        },
      ),
    );
    if (isRemovable) {
      const remove = (): void => {
        lanesOf[list()] = lanesOf[list()].filter((_, place) => place !== index);
        change();
        rows.querySelector("select")?.focus();
      };
      row.append(button("×", remove, `Take away lane ${index + 1}`));
    }
    return isAble(lane) ? [row] : [row, create("p", "quiet small", notAsked(lane))];
  };
  const add = (): void => {
    const lanes = lanesOf[list()];
    if (lanes.length === 0 || lanes.length >= mostLanes) return;
    lanesOf[list()] = [...lanes, nextLane(lanes, offered(), precisions)];
    change();
    [...rows.querySelectorAll(".lane")].at(-1)?.querySelector("select")?.focus();
  };

  draw();
  return {
    chosen: () => lanesOf[list()].filter(isAble),
    add,
    show: (wanted) => {
      mode = wanted;
      draw();
    },
    choose: (lane) => {
      if (!isAble(lane) || !precisions.includes(lane.precision)) return;
      lanesOf[list()] = [lane];
      change();
    },
  };
}

/** Why a checkpoint that captions is asked no question. */
function notAsked({ checkpoint }: ChosenLane): string {
  return `${checkpoint} is not asked: its Q-Former was trained to describe images, not to answer questions.`;
}

function firstOf(
  mode: WorkKind,
  checkpoints: readonly OfferedCheckpoint[],
  [precision]: readonly string[],
): ChosenLane[] {
  const first = checkpoints.find(({ does }) => does.includes(mode));
  return first === undefined || precision === undefined ? [] : [{ checkpoint: first.name, precision }];
}

/** What a new lane compares with: another checkpoint or, where there is none, another precision. */
function nextLane(
  lanes: readonly ChosenLane[],
  offered: readonly OfferedCheckpoint[],
  precisions: readonly string[],
): ChosenLane {
  const last = lanes.at(-1) ?? { checkpoint: "", precision: "" };
  const isTaken = (lane: ChosenLane): boolean =>
    lanes.some(({ checkpoint, precision }) => checkpoint === lane.checkpoint && precision === lane.precision);
  const others = [
    ...offered.map(({ name }) => ({ checkpoint: name, precision: last.precision })),
    ...precisions.map((precision) => ({ checkpoint: last.checkpoint, precision })),
  ];
  return others.find((lane) => !isTaken(lane)) ?? last;
}

function selectOf(
  label: string,
  options: readonly { readonly name: string; readonly label: string }[],
  { value, onSet }: { readonly value: string; readonly onSet: (value: string) => void },
): HTMLSelectElement {
  const select = create("select");
  select.ariaLabel = label;
  for (const { name, label: text } of options) {
    const option = create("option", "", text);
    option.value = name;
    select.append(option);
  }
  select.value = value;
  select.addEventListener("change", () => {
    onSet(select.value);
  });
  return select;
}
