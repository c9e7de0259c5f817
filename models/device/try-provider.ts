/** A process of its own for one device, as a driver may crash it: `try-provider <provider>`. Prints a TrialReport as JSON. */
import { differenceFromCpu, providerNames } from "./providers.ts";

const name = providerNames.find((each) => each === process.argv[2]);
if (name === undefined)
  throw new Error(`found "${process.argv[2] ?? ""}", expected one of ${providerNames.join(", ")}`);
try {
  process.stdout.write(JSON.stringify({ difference: await differenceFromCpu(name) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
