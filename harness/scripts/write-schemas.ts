/** `npm run schemas`: writes docs/schemas/ again, to be run after a record has changed. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileWhole } from "../../reports/records/atomic-file.ts";
import { schemaTexts } from "./schemas.ts";
import { packageFolder } from "../catalog/provenance.ts";

const folder = join(packageFolder, "docs", "schemas");
await mkdir(folder, { recursive: true });
for (const [name, text] of schemaTexts()) await writeFileWhole(join(folder, name), text);
