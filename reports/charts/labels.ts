/** Where the names of points stand so that they do not cover each other: beside their point, at the first place that is free. */

export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface PlacedLabel {
  /** Of its beginning, or of its end where it stands at the left. */
  readonly x: number;
  /** Of its base line. */
  readonly y: number;
  readonly isAtLeft: boolean;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const away = 10; // from the middle of a mark
const lineHeight = 14;

/** Offsets of the base line from the point, tried in turn: above, below, then farther. */
const offsets = [-7, 16, 4, -21, 30, -35, 44, -49, 58];

/** `bounds`: where they may stand. Where nothing is free the first place is taken. */
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
