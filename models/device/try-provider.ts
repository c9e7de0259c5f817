/** A process of its own for one device, as a driver may crash it: `try-provider <provider> <id>`. Prints a TrialReport as JSON. */
import { tellAdapter } from "./adapter.ts";
import { providerNames } from "./device.ts";
import { differenceFromCpu, halfRefusal } from "./providers.ts";

const [, , name = "", id = "0"] = process.argv;
const provider = providerNames.find((each) => each === name);
if (provider === undefined) throw new Error(`found "${name}", expected one of ${providerNames.join(", ")}`);
if (provider === "webgpu") tellAdapter();
try {
  const device = { provider, id: Number(id) };
  const difference = await differenceFromCpu(device);
  process.stdout.write(JSON.stringify({ difference, halfRefusal: await halfRefusal(device) }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
