/** The machines whose answers a coordinator took, with the windows of each, for run.json. */
import type { RecordedMachine, RunPlan } from "../../../reports/records/run-record.ts";
import type { QueueWorker } from "./messages.ts";

interface About {
  readonly plan: RunPlan;
  /** Whether answers of machines that round differently are taken where they may differ. */
  readonly mixedProcessors: boolean;
  readonly onMessage: (message: string) => void;
}

export class MachineTally {
  readonly #machines = new Map<string, RecordedMachine>();
  readonly #about: About;

  /** `before`: of earlier sessions of the run. */
  constructor(before: readonly RecordedMachine[], about: About) {
    this.#about = about;
    for (const machine of before) this.#machines.set(machine.worker ?? "", machine);
  }

  get machines(): readonly RecordedMachine[] {
    return [...this.#machines.values()];
  }

  /** Counts a window of this worker. An Error: its machine rounds otherwise than the first, and the answer is not taken. */
  count({ name, processor, startedAt }: QueueWorker): Error | null {
    const known = this.#machines.get(name);
    const { plan, mixedProcessors, onMessage } = this.#about;
    const first = this.machines[0]?.processor ?? processor;
    if (known === undefined && first.rounding !== processor.rounding) {
      const found = `found rounding ${processor.rounding ?? "not recorded"}, expected ${first.rounding ?? "not recorded"}`;
      const isExact = plan.config.precision === undefined; // fp32, where other rounding moves last bits only
      if (!isExact && !mixedProcessors) return new Error(`${found}; --mixed-processors takes both`);
      onMessage(`Worker ${name} rounds otherwise than the first: ${found}. Last bits depend on which answers.`);
    }
    this.#machines.set(name, {
      worker: name,
      windows: (known?.windows ?? 0) + 1,
      processor,
      ...(plan.device !== undefined && { device: plan.device }),
      startedAt,
      finishedAt: new Date().toISOString(),
    });
    return null;
  }
}
