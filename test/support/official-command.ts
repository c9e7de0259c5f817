/** The real command, to be run as a process; official files come from the stand-in server at OFFICIAL_DATA. */
import { catalog } from "../../harness/catalog/catalog.ts";
import { runCommand } from "../../harness/cli/command.ts";
import { officialArchives, officialTable } from "./official-world.ts";

const { OFFICIAL_DATA: origin = "" } = process.env;

await runCommand({ ...catalog, officialData: officialTable(origin, officialArchives()) }, process);
