/** Adds up the milliseconds each stage of the pipeline takes. */
export class StageClock {
  readonly #totals = new Map<string, number>();

  async time<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await work();
    this.add(stage, performance.now() - start);
    return value;
  }

  add(stage: string, milliseconds: number): void {
    this.#totals.set(stage, (this.#totals.get(stage) ?? 0) + milliseconds);
  }

  /** Each stage's total divided by how many shared the work. */
  shares(among: number): Record<string, number> {
    return Object.fromEntries([...this.#totals].map(([stage, total]) => [stage, total / among]));
  }
}
