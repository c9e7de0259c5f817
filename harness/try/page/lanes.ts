/**
 * The choice of checkpoints and precisions that answer side by side: a row for each lane. Generating and matching
 * checkpoints have separate lists of lanes.
 */
import type { OfferedCheckpoint, PageState } from "../wire.ts";
import { button, create, element } from "./dom.ts";

export interface ChosenLane {
  readonly checkpoint: string;
  readonly precision: string;
}

export interface Lanes {
  readonly chosen: () => readonly ChosenLane[];
  /** Adds a lane, up to the maximum. */
  readonly add: () => void;
  readonly show: (kind: OfferedCheckpoint["kind"]) => void;
  /** Selects this checkpoint and precision as the only lane, if the server offers it. */
  readonly choose: (lane: ChosenLane) => void;
}

const mostLanes = 8; // the server's maximum

export function makeLanes({ checkpoints, precisions }: PageState, onChange: () => void): Lanes {
  const fieldset = element("lanes", HTMLFieldSetElement);
  const rows = create("div", "rows");
  const more = button("Add one beside", () => {
    add();
  });
  more.id = "add-lane";
  fieldset.append(rows, more);

  let kind: OfferedCheckpoint["kind"] = "generation";
  const offered = (): readonly OfferedCheckpoint[] => checkpoints.filter((each) => each.kind === kind);
  const lanesOf: Record<OfferedCheckpoint["kind"], ChosenLane[]> = {
    generation: firstOf("generation", checkpoints, precisions),
    retrieval: firstOf("retrieval", checkpoints, precisions),
  };

  const draw = (): void => {
    const lanes = lanesOf[kind];
    rows.replaceChildren(...lanes.map((lane, index) => rowOf(lane, index, lanes.length > 1)));
    if (lanes.length === 0) rows.append(create("p", "quiet", "No checkpoint here can do this. Name one with --model."));
    more.hidden = lanes.length === 0 || lanes.length >= mostLanes;
  };
  const change = (): void => {
    draw();
    onChange();
  };
  const rowOf = (lane: ChosenLane, index: number, isRemovable: boolean): HTMLElement => {
    const row = create("div", "lane");
    const set = (part: Partial<ChosenLane>): void => {
      lanesOf[kind] = lanesOf[kind].map((each, place) => (place === index ? { ...each, ...part } : each));
      onChange();
    };
    const labelled = `of lane ${index + 1}`;
    const names = offered().map(({ name, from }) => ({ name, label: from === "bundled" ? name : `${name} (${from})` }));
    row.append(
      selectOf(`Checkpoint ${labelled}`, names, {
        value: lane.checkpoint,
        onSet: (checkpoint) => {
          set({ checkpoint });
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
        lanesOf[kind] = lanesOf[kind].filter((_, place) => place !== index);
        change();
        rows.querySelector("select")?.focus();
      };
      row.append(button("×", remove, `Take away lane ${index + 1}`));
    }
    return row;
  };
  const add = (): void => {
    const lanes = lanesOf[kind];
    if (lanes.length === 0 || lanes.length >= mostLanes) return;
    lanesOf[kind] = [...lanes, nextLane(lanes, offered(), precisions)];
    change();
    rows.lastElementChild?.querySelector("select")?.focus();
  };

  draw();
  return {
    chosen: () => lanesOf[kind],
    add,
    show: (wanted) => {
      kind = wanted;
      draw();
    },
    choose: (lane) => {
      const isThere = offered().some(({ name }) => name === lane.checkpoint) && precisions.includes(lane.precision);
      if (!isThere) return;
      lanesOf[kind] = [lane];
      change();
    },
  };
}

function firstOf(
  kind: OfferedCheckpoint["kind"],
  checkpoints: readonly OfferedCheckpoint[],
  [precision]: readonly string[],
): ChosenLane[] {
  const first = checkpoints.find((each) => each.kind === kind);
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
