/**
 * The package that `npm pack` makes: what is in it, and that the command and the library work where it is installed. It is
 * unpacked into an empty folder with the packages that package.json names beside it, so nothing is fetched and nothing else is found.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { runProcess, startProcess } from "./support/command-process.ts";
import { hangMs, projectRoot } from "./support/project.ts";
import { temporaryFolder } from "./support/temporary-files.ts";

interface PackageJson {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

/** Files below these folders are packed as they are. */
const wholeFolders = ["datasets/bundled/", "models/bundled/", "docs/"];
/** What the package is known by, besides the papers that npm adds by itself. */
const papers = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"];
/** What README and docs may link to outside the package: it is for those who have a clone. */
const inClonesOnly =
  /^(CONTRIBUTING\.md|SECURITY\.md|DECISIONS\.md|(harness|tasks|datasets|models|reports|test|examples)\/)/;

const packageJson = readPackage(join(projectRoot, "package.json"));

function readPackage(file: string): PackageJson {
  return JSON.parse(readFileSync(file, "utf8")) as PackageJson;
}

function run(command: string, words: readonly string[], folder: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, {
    cwd: folder,
    encoding: "utf8",
    timeout: hangMs,
    shell: process.platform === "win32",
  });
  assert.equal(status, 0, `${command} ${words.join(" ")}: ${error?.message ?? ""}${stdout}${stderr}`);
  return stdout;
}

/** A folder in which the package is installed: node_modules with it, what it depends on, and Node's types. */
function install(): { readonly folder: string; readonly packed: string } {
  const folder = temporaryFolder({ "package.json": '{ "type": "module" }' });
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], projectRoot);
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  run("tar", ["-xzf", `blip2-bench-${packageJson.version}.tgz`, "-C", "node_modules"], folder);
  run("mv", ["package", "blip2-bench"], modules);
  for (const name of [...Object.keys(packageJson.dependencies), "@types/node"]) {
    const link = join(modules, name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(projectRoot, "node_modules", name), link, "dir");
  }
  return { folder, packed: join(modules, "blip2-bench") };
}

/** Declarations that those of the library lead to, from its entry on. */
function declarationsOf(root: string, entry: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(entry)) return found;
  found.add(entry);
  for (const [, target = ""] of readFileSync(join(root, entry), "utf8").matchAll(
    /(?:from|import\() ?["'](\.[^"']+)\.ts["']/g,
  ))
    declarationsOf(root, posix.join(posix.dirname(entry), `${target}.d.ts`), found);
  return found;
}

describe("the package", () => {
  let folder = "";
  let packed = "";
  let command = "";
  let files: readonly string[] = [];
  before(() => {
    ({ folder, packed } = install());
    command = join(packed, readPackage(join(packed, "package.json")).bin["blip2-bench"]!);
    files = readdirSync(packed, { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(packed.length + 1));
  });

  it("holds compiled code, the library's types, the pages' styles, the bundled world and docs, and nothing else", () => {
    const scripts = files.filter((file) => /^dist\/.*\.js$/.test(file));
    const types = files.filter((file) => file.endsWith(".d.ts"));
    const others = files.filter((file) => !scripts.includes(file) && !types.includes(file));
    assert.deepEqual(
      others.filter(
        (file) =>
          !papers.includes(file) &&
          !wholeFolders.some((whole) => file.startsWith(whole)) &&
          !/^(reports|harness\/try)\/page\/[a-z]+\.(css|html)$/.test(file),
      ),
      [],
    );
    assert.deepEqual(
      scripts.filter((file) => /^dist\/(test|examples|harness\/scripts)\//.test(file)),
      [],
    );
    assert.deepEqual(
      types.toSorted(),
      [...declarationsOf(projectRoot, "dist/harness/library/api.d.ts")].toSorted(),
      '"files" of package.json names the declarations that the library leads to: correct that list',
    );
  });

  it("has what its README and docs link to, but for what is about the code", () => {
    for (const page of files.filter((file) => file.endsWith(".md"))) {
      for (const [, target = ""] of readFileSync(join(packed, page), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        const file = posix.join(posix.dirname(page), target);
        assert.ok(inClonesOnly.test(file) || existsSync(join(packed, file)), `${page} links to ${target}`);
      }
    }
  });

  it("shows its help and evaluates a bundled checkpoint to the end, report included", () => {
    const help = runProcess(folder, { command, words: ["--help"] });
    assert.deepEqual([help.code, help.err], [0, ""]);
    assert.match(help.out, /Usage: blip2-bench/);
    const words = ["run", "--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "4", "--output", "runs"];
    const ended = runProcess(folder, { command, words });
    assert.equal(ended.code, 0, ended.err);
    assert.match(ended.out, /^shapes-opt-small +vqav2 .* 4 +0$/m);
    assert.match(readFileSync(join(folder, "runs", "report", "index.html"), "utf8"), /<style>/);
  });

  it("serves the page of try with its styles and scripts", async () => {
    const child = startProcess(folder, { command, words: ["try", "--port", "0"] });
    const ended = once(child, "close").then(() => assert.fail("it ended before it served"));
    const url = (await Promise.race([once(child.stdout.setEncoding("utf8"), "data"), ended])).join("").trim();
    const page = await (await fetch(url)).text();
    const parts = [...page.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, name]) => name!);
    assert.ok(parts.length >= 2, page);
    for (const name of parts) assert.equal((await fetch(new URL(name, url))).status, 200, name);
  });

  it("gives the library with its types to those who import it", () => {
    const examples = join(projectRoot, "examples", "api");
    for (const name of readdirSync(examples)) writeFileSync(join(folder, name), readFileSync(join(examples, name)));
    const strict = ["--strict", "--noEmit", "--skipLibCheck", "false", "--target", "ES2023", "--module", "NodeNext"];
    const types = ["--types", "node", "--exactOptionalPropertyTypes"];
    run(
      process.execPath,
      [join(projectRoot, "node_modules/typescript/bin/tsc"), ...strict, ...types, ...readdirSync(examples)],
      folder,
    );
    const picture = join(packed, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
    writeFileSync(
      join(folder, "ask.js"),
      `import { loadCheckpoint } from "blip2-bench";
       const checkpoint = await loadCheckpoint("shapes-opt-small");
       console.log(checkpoint.kind, (await checkpoint.ask(${JSON.stringify(picture)}, "what color is the square?")).text);
       await checkpoint.release();`,
    );
    assert.match(run(process.execPath, ["ask.js"], folder), /^generation \w+\n$/);
  });
});
