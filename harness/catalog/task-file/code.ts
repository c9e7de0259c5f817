/**
 * A task in code: a file is loaded by Node itself, and its default export is the task. TypeScript is for those versions of
 * Node that strip its types; nothing is bundled or compiled here. Only a file on this machine is loaded.
 */
import * as nodeModule from "node:module";
import { pathToFileURL } from "node:url";
import { UsageError } from "../usage-error.ts";

export const typeScriptExtensions: readonly string[] = [".ts", ".mts"];

/**
 * What the file exports. Throws a UsageError where it cannot be loaded, or exports nothing. `sha256`: of the file's bytes; a
 * file that has changed is loaded anew.
 */
export async function loadCode(path: string, extension: string, sha256: string): Promise<unknown> {
  if (typeScriptExtensions.includes(extension) && !stripsTypes()) {
    throw new UsageError(
      `--tasks ${path}: this is Node ${process.versions.node}, which cannot load TypeScript, expected Node 22.18, 23.6 or later. ` +
        "Use one of these, or compile the file to JavaScript and name that one.",
    );
  }
  offerThisPackage();
  const exported = await importFile(path, sha256);
  if (typeof exported === "object" && exported !== null && "default" in exported) return exported.default;
  throw new UsageError(
    `--tasks ${path}: has no default export, expected export default defineTask({ kind: "vqa", … }).`,
  );
}

async function importFile(path: string, sha256: string): Promise<unknown> {
  try {
    return await import(`${pathToFileURL(path).href}?sha256=${sha256}`);
  } catch (cause) {
    const said = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new UsageError(`--tasks ${path}: cannot be loaded: ${said}`, { cause });
  }
}

function stripsTypes(): boolean {
  const features: Readonly<Record<string, unknown>> = { ...process.features };
  return features["typescript"] !== undefined && features["typescript"] !== false;
}

let isOffered = false;

/**
 * Makes `import … from "blip2-bench"` in a task file mean this very package, wherever the file lies: beside no node_modules, or
 * in the folder of a run that keeps its copy.
 */
function offerThisPackage(): void {
  if (isOffered) return;
  isOffered = true;
  const api = new URL("../../library/api.js", import.meta.url).href;
  const hooks = `export function resolve(specifier, context, next) {
    return specifier === "blip2-bench" ? { url: ${JSON.stringify(api)}, shortCircuit: true } : next(specifier, context);
  }`;
  nodeModule.register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
