/** Places the names of points so that they do not overlap: beside the point, at the first free position. */

export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PlacedLabel {
  /** x of the label's start; of its end where the label is left of the point. */
  readonly x: number;
  /** y of the label's base line. */
  readonly y: number;
  readonly isAtLeft: boolean;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const away = 10; // distance from the centre of a mark, in pixels
const lineHeight = 14;

/** Offsets of the base line from the point, in the order in which they are tried: above, below, then farther away. */
const offsets = [-7, 16, 4, -21, 30, -35, 44, -49, 58];

/** `bounds`: the area for labels. Where no position is free, the first is used. */
export function placeLabels(points: readonly Labelled[], bounds: Box): readonly PlacedLabel[] {
  const taken: Box[] = points.map(({ x, y }) => ({ left: x - 6, right: x + 6, top: y - 6, bottom: y + 6 }));
  return points.map((point) => {
    const places = offsets.flatMap((offset) => [false, true].map((isAtLeft) => placeAt(point, offset, isAtLeft)));
    const inside = places.filter(({ box }) => isInside(box, bounds));
    const free = inside.find(({ box }) => !taken.some((other) => overlaps(box, other)));
    const { label, box } = free ?? inside[0] ?? places[0]!;
    taken.push(box);
    return label;
  });
}

function placeAt({ x, y, width }: Labelled, offset: number, isAtLeft: boolean): { label: PlacedLabel; box: Box } {
  const start = isAtLeft ? x - away - width : x + away;
  const baseline = y + offset;
  return {
    label: { x: isAtLeft ? x - away : start, y: baseline, isAtLeft },
    box: { left: start, right: start + width, top: baseline - lineHeight + 3, bottom: baseline + 3 },
  };
}

function isInside(box: Box, bounds: Box): boolean {
  return box.left >= bounds.left && box.right <= bounds.right && box.top >= bounds.top && box.bottom <= bounds.bottom;
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
