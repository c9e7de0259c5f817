/** Outputs that take no more: full disks, readers that stop, terminals that are closed. As processes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environment, fakeCommand, realCommand, startAndWait } from "../../support/command-process.ts";
import { hangMs, projectRoot } from "../../support/project.ts";
import { isPythonThere, onTerminal } from "../../support/pseudo-terminal.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

/** By a shell, which leads its output somewhere. */
function shell(folder: string, words: string): { readonly code: number | null; readonly err: string } {
  const options = { cwd: folder, env: environment(folder), encoding: "utf8", timeout: hangMs } as const;
  const { status, stderr } = spawnSync("sh", ["-c", words], options);
  return { code: status, err: stderr };
}

function statusOf(folder: string): unknown {
  const record: unknown = JSON.parse(readFileSync(join(folder, "run.json"), "utf8"));
  return typeof record === "object" && record !== null && "status" in record ? record.status : null;
}

const slow = { FAKE_BATCH_MS: "20" };
const run = ["run", "--model", "fake", "--limit", "60", "--batch-size", "1", "--no-report"];

describe("standard output", () => {
  const node = `${process.execPath} ${realCommand}`;

  it("on a full disk is one line on stderr and a code of its own; skipped where there is no /dev/full", function () {
    if (!existsSync("/dev/full")) this.skip();
    const folder = temporaryFolder();
    for (const words of ["ls", "ls --json", "doctor --help"]) {
      assert.deepEqual(shell(folder, `${node} ${words} > /dev/full`), {
        code: 4,
        err: "error: standard output took not all of the result: no space left on the disk (ENOSPC).\n",
      });
    }
  });

  it("on a full disk changes no other code, and leaves the record whole", function () {
    if (!existsSync("/dev/full")) this.skip();
    const folder = temporaryFolder();
    assert.equal(shell(folder, `${node} ls nothing > /dev/full`).code, 2);
    const command = `${process.execPath} ${fakeCommand} ${run.join(" ")} --quiet --output a`;
    assert.equal(shell(folder, `${command} > /dev/full`).code, 4);
    assert.equal(statusOf(join(folder, "a")), "complete");
  });

  it("that takes no more ends what is done for it alone", function () {
    if (!existsSync("/dev/full")) this.skip();
    const folder = temporaryFolder();
    const images = join(projectRoot, "datasets", "bundled", "val2014");
    const command = `${node} caption ${images} --model shapes-opt-small -b 1`;
    const full = shell(folder, `${command} > /dev/full`);
    assert.equal(full.code, 4, full.err);
    const left = shell(folder, `${command} | head -n 1 > first`);
    assert.equal(left.code, 0, left.err);
    for (const { err } of [full, left]) {
      assert.match(err, /: 1 of 300 samples\n/);
      assert.doesNotMatch(err, /: 300 of 300 samples/); // which is always told where it came so far
    }
  });

  it("that nobody reads to its end is no fault", () => {
    assert.deepEqual(shell(temporaryFolder(), `${node} ls --json | head -c 1 > /dev/null`), { code: 0, err: "" });
  });
});

describe("a terminal", () => {
  before(function () {
    if (!isPythonThere()) this.skip(); // python3 is not here
  });

  it("that goes away does not end a run: it is finished, and its record is whole", () => {
    const folder = temporaryFolder();
    const words = [...run, "--output", "a"];
    const asked = { command: fakeCommand, words, columns: 80, goneAt: " of 60 samples", env: slow };
    assert.equal(onTerminal(folder, asked).code, 0);
    assert.equal(statusOf(join(folder, "a")), "complete");
    assert.ok(!existsSync(join(folder, "a", "run.lock")));
  });

  it("of few columns has progress in one row", () => {
    const columns = 30;
    const words = [...run, "--output", "a"];
    const { code, shown } = onTerminal(temporaryFolder(), { command: fakeCommand, words, columns, env: slow });
    assert.equal(code, 0, shown);
    const refreshes = shown
      .split("\r\u001b[2K")
      .slice(1)
      .filter((text) => !text.includes("\n"));
    assert.ok(refreshes.length > 2, shown);
    for (const text of refreshes) assert.ok(text.length < columns, text);
  });
});

describe("a terminal that is closed", () => {
  it("stops a run as SIGTERM does: by SIGHUP, with 129, and what is done is kept", async () => {
    const folder = temporaryFolder();
    const child = await startAndWait(folder, { output: "a", lines: 8, words: run });
    child.kill("SIGHUP");
    assert.deepEqual(await once(child, "close"), [129, null]);
    assert.equal(statusOf(join(folder, "a")), "interrupted");
  });

  /** Sends a run SIGHUP in its midst, and gives the code it ends with. `started`: how the shell starts it in the background. */
  function hungUp(folder: string, started: (command: string) => string): number | null {
    const command = `${process.execPath} ${fakeCommand} ${run.join(" ")} --output a`;
    const lines = "$(cat a/predictions.jsonl 2> none | wc -l)";
    const script = `${started(command)} & until [ ${lines} -ge 8 ]; do sleep 0.02; done; kill -HUP $!; wait $!`;
    return shell(folder, `export FAKE_BATCH_MS=20; ${script}`).code;
  }

  it("leaves a run alone that was told to outlive it", function () {
    if (!existsSync("/proc/self/fdinfo")) this.skip(); // how it was told is seen on Linux
    const ways: readonly ((command: string) => string)[] = [
      (command) => `trap '' HUP; ${command}`,
      (command) => `${command} 0> /dev/null`, // what nohup gives where its own input is a terminal
      (command) => `env _=/usr/bin/nohup ${command}`, // what bash and zsh say they started
    ];
    for (const way of ways) {
      const folder = temporaryFolder();
      assert.equal(hungUp(folder, way), 0, way("run"));
      assert.equal(statusOf(join(folder, "a")), "complete");
    }
    const folder = temporaryFolder();
    assert.equal(
      hungUp(folder, (command) => command),
      129,
      "told nothing of the kind",
    );
  });
});
