/** `npm run docs:flags`: writes docs/flags.md again, to be run after an option or a command has changed. */
import { join } from "node:path";
import { writeFileWhole } from "../../reports/records/atomic-file.ts";
import { packageFolder } from "../catalog/provenance.ts";
import { flagsPage } from "./flags-page.ts";

await writeFileWhole(join(packageFolder, "docs", "flags.md"), flagsPage());
