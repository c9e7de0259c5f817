/** Names that a split has in the file names of mirrors on the hub. */

const names: readonly (readonly string[])[] = [
  ["validation", "val", "val2014"],
  ["train", "train2014"],
  ["testdev", "test-dev", "test_dev"],
];

/** All names of a split, by one of them. A name that is not known stands for itself alone. */
export function partsNamed(split: string): readonly string[] {
  return names.find((each) => each.includes(split)) ?? [split];
}
