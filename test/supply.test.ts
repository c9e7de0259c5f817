/**
 * What comes with an installation: the lock file's packages, their licences, and what npm would run while it installs them.
 * docs/reliability.md promises what is held here.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hangMs, projectRoot } from "./support/project.ts";

interface LockedPackage {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly dev?: boolean;
}

/** Licences that allow use, change and sale, and ask for no more than that their text goes with it. */
const permissive = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT", "PSF-2.0"];
/** libvips in sharp's packages: a shared library of its own, which a user may replace, as this licence asks. */
const replaceableLibrary = "LGPL-3.0-or-later";

const { packages } = JSON.parse(readFileSync(join(projectRoot, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const locked = Object.entries(packages).filter(([place]) => place !== "");

/** "Apache-2.0 AND MIT" needs both, "(MIT OR CC0-1.0)" one of them. */
function isAllowed(license: string, place: string): boolean {
  const isOne = (name: string): boolean =>
    permissive.includes(name) || (name === replaceableLibrary && place.startsWith("node_modules/@img/sharp-"));
  const choices = license.replace(/^\(|\)$/g, "").split(" OR ");
  return choices.some((choice) => choice.split(" AND ").every(isOne));
}

describe("the packages this one needs", () => {
  it("have licences that allow commercial use, libvips's among sharp's packages alone", () => {
    const refused = locked.filter(([place, { license }]) => !isAllowed(license ?? "none", place));
    assert.deepEqual(refused, []);
    assert.ok(!isAllowed("GPL-3.0-only", "node_modules/x") && !isAllowed(replaceableLibrary, "node_modules/x"));
    assert.ok(isAllowed("(MIT OR GPL-2.0-only)", "node_modules/x") && !isAllowed("MIT AND GPL-2.0-only", "x"));
  });

  it("come with a hash each, so that what is installed is what was locked", () => {
    assert.deepEqual(
      locked.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")),
      [],
    );
  });

  it("run nothing while they are installed, but for onnxruntime-node, whose script is switched off", () => {
    const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => place);
    // msgpackr-extract comes with the queue's optional packages alone: its script only looks whether its binary, a package of
    // the registry, is there.
    assert.deepEqual(scripted, ["node_modules/msgpackr-extract", "node_modules/onnxruntime-node"]);
    const { optional, dev } = packages["node_modules/msgpackr-extract"]!;
    assert.deepEqual([optional, dev], [true, true]);
    assert.match(readFileSync(join(projectRoot, ".npmrc"), "utf8"), /^onnxruntime-node-install=skip$/m);
  });

  it("are listed by npm's bill of materials, each with its version and hash", function () {
    // Not `--omit dev`: npm then leaves out packages, too, that both a dependency and a development tool need.
    const words = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
    const { status, stdout, stderr } = spawnSync("npm", words, {
      cwd: projectRoot,
      encoding: "utf8",
      timeout: hangMs,
      maxBuffer: 1e7,
      shell: process.platform === "win32",
    });
    assert.equal(status, 0, stderr);
    const { components } = JSON.parse(stdout) as {
      readonly components: readonly { readonly name: string; readonly version: string; readonly hashes: unknown[] }[];
    };
    const listed = new Set(components.map(({ name, version }) => `${name} ${version}`));
    const missing = locked.filter(
      ([place, { version }]) => !listed.has(`${place.split("node_modules/").at(-1)!} ${version!}`),
    );
    assert.deepEqual(missing, []);
    assert.ok(components.every(({ hashes }) => hashes.length > 0));
  });
});
