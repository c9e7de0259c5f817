/** Work on several items at a time, whose results come in the order of the items. */

/** At most `atOnce` items are worked on, or wait for one before them, at a time. */
export async function* inOrder<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  for (let next = 0; ;) {
    for (; next < items.length && begun.length < atOnce; next += 1) {
      const result = work(items[next]!, next);
      result.catch(() => undefined); // it is thrown below, when its turn comes
      begun.push(result);
    }
    const first = begun.shift();
    if (first === undefined) return;
    yield await first;
  }
}
