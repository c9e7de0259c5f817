/** The bundled checkpoints with other settings in their files, as fixtures/settings writes them down. */
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { projectRoot } from "./project.ts";
import { temporaryFolder } from "./temporary-files.ts";

/** A checkpoint and what is other in its files: values put in, keys taken out, or no such file. */
export const changesSchema = z.object({
  base: z.string(),
  what: z.string(),
  files: z.record(z.string(), z.looseObject({ without: z.array(z.string()).default([]) }).nullable()),
});

const objectSchema = z.record(z.string(), z.unknown());

export function bundledCheckpoint(name: string): string {
  return path.join(projectRoot, "models", "bundled", name);
}

export function settingsFixture(name: string): unknown {
  return JSON.parse(readFileSync(path.join(projectRoot, "test", "fixtures", "settings", name), "utf8"));
}

/** A folder of its own, whose weights are the bundled ones. Sections of config.json are changed one level deeper. */
export function changedCheckpoint({ base, files }: z.infer<typeof changesSchema>): string {
  const source = bundledCheckpoint(base);
  const folder = temporaryFolder();
  for (const name of new Set([...readdirSync(source), ...Object.keys(files)])) {
    const file = path.join(source, name);
    const change = files[name];
    if (change === null) continue;
    if (change === undefined) symlinkSync(file, path.join(folder, name));
    else {
      const content = existsSync(file) ? objectSchema.parse(JSON.parse(readFileSync(file, "utf8"))) : {};
      writeFileSync(path.join(folder, name), JSON.stringify(withChanges(content, change, name)));
    }
  }
  return folder;
}

function withChanges(
  content: z.infer<typeof objectSchema>,
  { without, ...values }: { without: string[] },
  name: string,
) {
  const changes = Object.entries(values).map(([key, value]): [string, unknown] => {
    const [before, after] = [objectSchema.safeParse(content[key]), objectSchema.safeParse(value)];
    const isSection = name !== "tokenizer.json" && before.success && after.success;
    return [key, isSection ? { ...before.data, ...after.data } : value];
  });
  const all = Object.entries({ ...content, ...Object.fromEntries(changes) });
  return Object.fromEntries(all.filter(([key]) => !without.includes(key)));
}
