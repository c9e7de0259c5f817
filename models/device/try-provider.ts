/** A process of its own for one device, as a driver may crash it: `try-provider <provider> <id>`. Prints a TrialReport as JSON. */
import { tellAdapter } from "./adapter.ts";
import { providerNames } from "./device.ts";
import { differenceFromCpu } from "./providers.ts";

const [, , name = "", id = "0"] = process.argv;
const provider = providerNames.find((each) => each === name);
if (provider === undefined) throw new Error(`found "${name}", expected one of ${providerNames.join(", ")}`);
if (provider === "webgpu") tellAdapter();
try {
  process.stdout.write(JSON.stringify({ difference: await differenceFromCpu({ provider, id: Number(id) }) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
