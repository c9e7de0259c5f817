/**
 * The last step of `npm run build`: what an earlier build made of a source that is no longer there is removed. The compiler
 * leaves such files, mocha would run them as tests, and they would count in the fingerprint of the code that a run records.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { packageFolder } from "../catalog/provenance.ts";

const compiled = /(?:\.js|\.js\.map|\.d\.ts)$/;

/** Paths in `built` of compiled files whose TypeScript file is not in `sources`; both are folders of the same structure. */
export function leftovers(built: string, sources: string): readonly string[] {
  return readdirSync(built, { recursive: true, encoding: "utf8" })
    .filter((name) => compiled.test(name) && !existsSync(join(sources, name.replace(compiled, ".ts"))))
    .map((name) => join(built, name));
}

if (pathToFileURL(process.argv[1] ?? "").href === import.meta.url) {
  for (const path of leftovers(join(packageFolder, "dist"), packageFolder)) rmSync(path);
}
