/** By which code a run was made and on what machine: what run.json says besides its config and its data. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as z from "zod";
import type { RunPlan } from "../../reports/records/run-record.ts";
import { instructionSets } from "./instruction-sets.ts";
import { usableProcessors } from "./usable-processors.ts";

/** Folder of the package, with its bundled checkpoints and data; the compiled code lies in dist/ below it. */
export const packageFolder = fileURLToPath(new URL("../../../", import.meta.url));

const codeFolder = fileURLToPath(new URL("../../", import.meta.url));
/** Folders whose code says what was asked and what an answer scores. */
const scorerFolders = ["datasets", "tasks"];
/** Folders whose code can move a prediction. Flags, reports, benchmarks and the page cannot. */
const predictionFolders = [...scorerFolders, "models", "harness/catalog", "harness/evaluation", "harness/processes"];

const packageSchema = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
});

export async function packageVersion(): Promise<string> {
  return (await readPackage(join(packageFolder, "package.json"))).version;
}

/**
 * SHA-256 over the code that can move a prediction: an unfinished run goes on only with the code that began it. `root` holds
 * the folders; unset: the code that runs.
 */
export function codeFingerprint(root = codeFolder): Promise<string> {
  return fingerprintOf(predictionFolders, root);
}

/** SHA-256 over the code that scores: as long as it stays, scores can be compared. */
export function scorerFingerprint(root = codeFolder): Promise<string> {
  return fingerprintOf(scorerFolders, root);
}

/** File by file, in the order of their names. */
async function fingerprintOf(folders: readonly string[], root: string): Promise<string> {
  const extension = extname(fileURLToPath(import.meta.url));
  const hash = createHash("sha256");
  for (const folder of folders) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(extension) && !entry.name.endsWith(`.d${extension}`))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of files) {
      const content = createHash("sha256")
        .update(await readFile(file))
        .digest("hex");
      hash.update(`${content}  ${relative(root, file).split(sep).join("/")}\n`);
    }
  }
  return hash.digest("hex");
}

export async function provenance({
  threads,
  workers,
}: {
  readonly threads: number;
  readonly workers: number;
}): Promise<Pick<RunPlan, "code" | "packages" | "processor">> {
  const { version, dependencies } = await readPackage(join(packageFolder, "package.json"));
  const versions = await Promise.all(
    Object.keys(dependencies).map(async (name) => [name, await installedVersion(name)] as const),
  );
  const instructions = await instructionSets();
  return {
    code: { version, ...(await commit()), fingerprint: await codeFingerprint() },
    packages: Object.fromEntries(versions),
    processor: {
      model: cpus()[0]?.model.trim() ?? "unknown",
      cores: usableProcessors(),
      threads,
      ...(workers > 1 && { workers }),
      memoryBytes: totalmem(),
      platform: `${platform()} ${release()} ${arch()}`,
      node: process.version,
      ...(instructions.length > 0 && { instructions }),
    },
  };
}

/** null where this is no clone, or there is no git: a package that was installed may lie in another project's clone. */
async function commit(): Promise<{ commit: string | null; dirty: boolean | null }> {
  const none = { commit: null, dirty: null };
  if (!existsSync(join(packageFolder, ".git"))) return none;
  const git = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)("git", ["--no-optional-locks", ...words], { cwd: packageFolder })).stdout.trim();
  try {
    return { commit: await git("rev-parse", "HEAD"), dirty: (await git("status", "--porcelain")) !== "" };
  } catch {
    return none; // no git, or a clone without a commit
  }
}

/** "missing" where a package is not installed; what needs it fails by itself. */
export async function installedVersion(name: string): Promise<string> {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    const file = join(folder, name, "package.json");
    if (existsSync(file)) return (await readPackage(file)).version;
  }
  return "missing";
}

async function readPackage(file: string): Promise<z.infer<typeof packageSchema>> {
  return packageSchema.parse(JSON.parse(await readFile(file, "utf8")));
}
