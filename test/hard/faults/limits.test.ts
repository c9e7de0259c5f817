/**
 * Limits that the system sets to a run: a small disk, few open files, folders of another user or that are read-only, long
 * paths and odd names. Each is a named error, or no hindrance at all.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { environment, fakeCommand, fakeInProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { rounds } from "../../support/long-form.ts";
import { hangMs } from "../../support/project.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const run = ["run", "-m", "fake", "--limit", "200", "--batch-size", "1", "--no-report", "--output"];
const isRoot = process.getuid?.() === 0;

/** The command with the fake model, started by a shell that sets limits first; `$0` and `$@` are the command. */
function limited(folder: string, limits: string, ...words: readonly string[]): Ended {
  const options = { cwd: folder, env: environment(folder), encoding: "utf8", timeout: hangMs } as const;
  const { status, stdout, stderr } = spawnSync("sh", ["-c", limits, process.execPath, fakeCommand, ...words], options);
  return { code: status, out: stdout, err: stderr };
}

function assertNamed({ code, err }: Ended, expected: number, message: RegExp): void {
  assert.match(err, message);
  assert.equal(code, expected, err);
  assert.doesNotMatch(err, /\n {4}at |mistake in blip2-bench/);
}

describe("a run", () => {
  for (const kilobytes of rounds({ short: 0, long: 1 }) === 1 ? [4, 8, 12, 16, 24, 32, 48, 64, 96] : [16]) {
    it(`on a disk of ${kilobytes} kB that is full goes on when there is room; skipped where none can be mounted`, function () {
      if (!isRoot) this.skip();
      const folder = temporaryFolder();
      const disk = join(folder, "disk");
      mkdirSync(disk);
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${kilobytes}k`, "none", disk]);
      if (mounted.status !== 0) this.skip();
      try {
        assertNamed(
          limited(folder, 'exec "$0" "$@"', ...run, "disk/a"),
          kilobytes < 8 ? 2 : 3,
          /no space left .*Make room, then /,
        );
        assert.ok(!readdirSync(disk).some((name) => name.endsWith(".tmp")));
        spawnSync("mount", ["-o", "remount,size=4m", disk]);
        for (const output of ["disk/a", "whole"]) {
          const { code, err } = limited(folder, 'exec "$0" "$@"', ...run, output);
          assert.equal(code, 0, err);
        }
        assert.equal(bytesOf(join(disk, "a")), bytesOf(join(folder, "whole")));
      } finally {
        spawnSync("umount", [disk]);
      }
    });
  }

  it("of another user says whose folder it may not use, as a user who is not root", function () {
    if (!isRoot || spawnSync("setpriv", ["--version"]).status !== 0) this.skip();
    const folder = temporaryFolder();
    mkdirSync(join(folder, "mine"), { mode: 0o755 });
    for (let above = folder; above !== "/"; above = join(above, "..")) {
      if (existsSync(above) && above.includes("blip2-bench-test-")) chmodSync(above, 0o755);
    }
    const nobody = 'exec setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"';
    const ended = limited(folder, nobody, ...run, join(folder, "mine", "a"));
    if (/EACCES.*node|MODULE_NOT_FOUND/.test(ended.err)) this.skip(); // node or the project is not that user's to read
    assertNamed(
      ended,
      2,
      /mine\/a: cannot be used as a run folder: permission denied \(EACCES\)\. Give another folder/,
    );
    assert.deepEqual(readdirSync(join(folder, "mine")), []);
  });

  it("has names with line ends, quotes, percent signs, spaces and emoji as its output", async () => {
    const folder = temporaryFolder();
    for (const name of ["a\nb", 'it\'s "quoted"', "100%20 %s", "-- x", "😀 é", "\u202egnp.exe"]) {
      const { code, err } = await fakeInProcess(
        folder,
        "run",
        "-m",
        "fake",
        "--limit",
        "4",
        "--no-report",
        "-o",
        `./${name}`,
      );
      assert.equal(code, 0, err);
      assert.ok(existsSync(join(folder, name, "scores.json")), name);
    }
  });

  it("goes into a path of 4,000 bytes, and is refused a longer one and a name of 300 with what is wrong", async () => {
    const folder = temporaryFolder();
    const most = "long/".repeat(800).slice(0, 3999 - folder.length - 1);
    const words = ["run", "-m", "fake", "--limit", "4", "--no-report", "--output"];
    const { code, err } = await fakeInProcess(folder, ...words, `${most}a`);
    assert.equal(code, 0, err);
    const before = readdirSync(folder);
    for (const name of [`${"more/".repeat(1000)}a`, "a".repeat(300)]) {
      assertNamed(
        await fakeInProcess(folder, ...words, name),
        2,
        /cannot be used as a run folder: a name or the path is longer than the file system allows \(ENAMETOOLONG\)\./,
      );
    }
    assert.deepEqual(readdirSync(folder), before);
  });
});
