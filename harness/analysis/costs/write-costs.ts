/** Writes costs.json and costs.csv into the output folder of the runs. */
import { join } from "node:path";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { costsToCsv } from "../../../reports/findings/costs-table.ts";
import { costsJson } from "../../../reports/records/findings/costs.ts";
import type { Costs } from "../../../reports/records/findings/costs.ts";
import { describeSystemCode, RunWriteError, systemCode } from "../../../reports/records/run-folder-error.ts";

export async function writeCosts(folder: string, costs: Costs): Promise<void> {
  try {
    await writeFileWhole(join(folder, "costs.json"), costsJson(costs));
    await writeFileWhole(join(folder, "costs.csv"), costsToCsv(costs));
  } catch (cause) {
    const code = systemCode(cause);
    if (code === null) throw cause;
    throw new RunWriteError(`${folder}: costs.json and costs.csv cannot be written: ${describeSystemCode(code)}.`, {
      cause,
    });
  }
}
