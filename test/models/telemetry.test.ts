/** Nothing that ONNX Runtime tells or keeps by itself: no files, no sockets, and no crash that comes with them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { environment, realCommand, runProcess } from "../support/command-process.ts";
import { projectRoot, projectUrl } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const imageFolder = path.join(projectRoot, "datasets", "bundled", "val2014");
const image = path.join(imageFolder, "COCO_val2014_000000000108.jpg");
const variable = "ORT_DISABLE_TELEMETRY";

/** Of a process whose home and temporary folder are the folder's, empty. CI is not set: where it is, there is no telemetry. */
function ownFolders(folder: string): Readonly<Record<string, string>> {
  const folders = { HOME: path.join(folder, "home"), TMPDIR: path.join(folder, "tmp"), XDG_CACHE_HOME: "" };
  mkdirSync(folders.HOME);
  mkdirSync(folders.TMPDIR);
  return folders;
}

/** Paths from `folder` on. */
function filesBelow(folder: string, name: string): readonly string[] {
  return readdirSync(path.join(folder, name), { recursive: true, encoding: "utf8" })
    .map((file) => path.join(name, file))
    .filter((file) => !statSync(path.join(folder, file)).isDirectory());
}

/** A program that uses the library as installed; `code` has `loadCheckpoint` and `image`. */
function libraryProgram(code: string): string {
  const library = JSON.stringify(new URL("dist/harness/library/api.js", projectUrl));
  return `import { loadCheckpoint } from ${library};\nconst image = ${JSON.stringify(image)};\n${code}`;
}

const caption = `const checkpoint = await loadCheckpoint("shapes-opt-small");
console.log((await checkpoint.caption(image)).text);
await checkpoint.release();`;

/** A main thread that waits for a child process, which waits until another thread has asked the main one. */
const standingStill: Readonly<Record<string, string>> = {
  "waits.mjs": `import { existsSync } from "node:fs";
    import { setTimeout } from "node:timers/promises";
    export async function appears(file) {
      for (let turn = 0; turn < 4000 && !existsSync(file); turn += 1) await setTimeout(5);
    }`,
  "still.mjs": `import { spawnSync } from "node:child_process";
    import { Worker } from "node:worker_threads";
    new Worker(new URL("./asks.mjs", import.meta.url)).on("message", (said) => console.log(said));
    spawnSync(process.execPath, ["child.mjs"]);`,
  "child.mjs": `import { writeFileSync } from "node:fs";
    import { appears } from "./waits.mjs";
    writeFileSync("main-stands-still", "");
    await appears("asked");`,
  "asks.mjs": `import { writeFileSync } from "node:fs";
    import { parentPort } from "node:worker_threads";
    import { decideTelemetry } from ${JSON.stringify(new URL("dist/models/telemetry.js", projectUrl))};
    import { appears } from "./waits.mjs";
    await appears("main-stands-still");
    await decideTelemetry({ answerMs: 300 }).catch((error) => parentPort.postMessage(error.message));
    writeFileSync("asked", "");`,
};

describe("ONNX Runtime's telemetry", () => {
  let folder = "";
  beforeEach(() => {
    folder = temporaryFolder({
      "main.mjs": libraryProgram(caption),
      "in-thread.mjs": `import { Worker } from "node:worker_threads";
        new Worker(new URL("./main.mjs", import.meta.url));`,
      ...standingStill,
      "setting.mjs": libraryProgram(`console.log(process.env.${variable});`),
    });
  });

  const programs: Readonly<Record<string, () => { readonly command: string; readonly words: readonly string[] }>> = {
    "a caption": () => ({ command: realCommand, words: ["caption", image, "--model", "shapes-opt-small", "-q"] }),
    "the library": () => ({ command: path.join(folder, "main.mjs"), words: [] }),
    "the library in a thread, where Node copies the environment,": () => ({
      command: path.join(folder, "in-thread.mjs"),
      words: [],
    }),
  };
  for (const [what, program] of Object.entries(programs)) {
    it(`leaves nothing in the home and the temporary folder: ${what} gives a text and no file`, () => {
      const { code, out, err } = runProcess(folder, { ...program(), env: ownFolders(folder) });
      assert.equal(code, 0, err);
      assert.match(out, /^there is a black square/);
      const ours = path.join("home", ".cache", "blip2-bench"); // hashes of the checkpoint's files
      const left = ["home", "tmp"].flatMap((name) => filesBelow(folder, name));
      assert.deepEqual(
        left.filter((file) => !file.startsWith(ours + path.sep)),
        [],
      );
    });
  }

  it("is off by importing the library, unless the user has set the variable", () => {
    const settingWith = (env: Readonly<Record<string, string>>): string =>
      runProcess(folder, { command: path.join(folder, "setting.mjs"), words: [], env }).out;
    assert.deepEqual([{}, { [variable]: "" }, { [variable]: "0" }, { [variable]: "true" }].map(settingWith), [
      "1\n",
      "1\n",
      "0\n",
      "true\n",
    ]);
    const said = runProcess(folder, {
      command: realCommand,
      words: ["doctor", "-q"],
      env: { [variable]: "0", CI: "1" },
    });
    assert.match(said.out, /^ONNX Runtime's telemetry +on \(ORT_DISABLE_TELEMETRY=0\)$/m);
  });

  it("is not left on where a thread's main thread stands still: that is refused, with what to do", () => {
    const { out, err } = runProcess(folder, { command: path.join(folder, "still.mjs"), words: [] });
    assert.equal(
      out,
      "ONNX Runtime's telemetry could not be turned off from a worker thread: the main thread: no answer for 0.3 s. " +
        "Start Node with ORT_DISABLE_TELEMETRY=1, or import blip2-bench in the main thread first.\n",
      err,
    );
  });
});

describe("a long command line", () => {
  it("of 200 KB is taken: many images, by long paths", function () {
    if (process.platform === "win32") this.skip(); // a command line there has 32 KB at most
    const long = `${imageFolder}/${"./".repeat(1800)}${path.basename(image)}`; // a path has 4,096 characters at most
    const images = Array.from({ length: 60 }, () => long); // one image, however often it is named
    const words = ["caption", ...images, "--model", "shapes-opt-small", "-q"];
    const { code, out, err } = runProcess(temporaryFolder(), { command: realCommand, words });
    assert.equal(code, 0, err);
    assert.match(out, /there is a black square/);
  });
});

describe("a run", () => {
  it("opens no socket to the network, nor do its processes; skipped where strace is missing or may not trace", function () {
    const folder = temporaryFolder();
    const traced = ["-f", "-qq", "-e", "trace=network", "-o", path.join(folder, "calls.txt")];
    const trial = spawnSync("strace", [...traced, "true"], { encoding: "utf8" });
    if (trial.status !== 0) this.skip();
    const words = ["run", "-q", "--model", "shapes-opt-small", "--tasks", "vqav2", "--limit", "16", "--workers", "2"];
    const { status, stderr } = spawnSync(
      "strace",
      [...traced, process.execPath, realCommand, ...words, "--output", path.join(folder, "runs")],
      { cwd: folder, env: environment(folder), encoding: "utf8" },
    );
    assert.equal(status, 0, stderr);
    const calls = readFileSync(path.join(folder, "calls.txt"), "utf8").split("\n");
    assert.ok(
      calls.some((call) => call.includes("AF_UNIX")),
      "the pipes to its processes are there, so it was traced",
    );
    assert.deepEqual(
      calls.filter((call) => /\bAF_INET6?\b/.test(call)),
      [],
    );
  });
});
