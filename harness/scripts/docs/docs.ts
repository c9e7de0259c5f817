/**
 * `npm run docs [-- --start <folder>]`: runs the commands of README and docs on the bundled data, writes their output
 * below them, and takes the pictures. `npm start` takes minutes; `--start` names the folder of a finished one, which is
 * then used for the pictures, and the shown output of `npm start` stays as it is.
 */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { packageFolder } from "../../catalog/provenance.ts";
import { print, readFlags, runBenchmark } from "../bench-report.ts";
import { withOutputs, wordsOf } from "./console-blocks.ts";
import { pictureFolder, takePictures } from "./pictures.ts";

const command = join(packageFolder, "dist", "harness", "cli", "cli.js");
const longestMs = 30 * 60_000; // `npm start` on a busy machine

function run(words: readonly string[], folder: string): string {
  const env = { ...process.env, XDG_CACHE_HOME: join(folder, "cache"), NO_COLOR: "1" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], {
    cwd: folder,
    env,
    encoding: "utf8",
    timeout: longestMs,
    maxBuffer: 1e8,
  });
  if (status !== 0) throw new Error(`blip2-bench ${words.join(" ")} ended with ${status ?? "a signal"}: ${stderr}`);
  return stdout;
}

await runBenchmark(async () => {
  const flags = readFlags("docs", { start: "" }, process.argv.slice(2));
  const folder = await mkdtemp(join(tmpdir(), "blip2-bench-docs-"));
  try {
    await symlink(join(packageFolder, "datasets"), join(folder, "datasets"), "junction"); // as in a clone
    const start = flags.text("start") === "" ? "runs/start" : resolve(flags.text("start"));
    const started = flags.text("start") === "" ? run(["run", "--output", start], folder) : null;
    const docs = (await readdir(join(packageFolder, "docs"))).filter((name) => name.endsWith(".md"));
    for (const name of ["README.md", ...docs.map((each) => join("docs", each))]) {
      const file = join(packageFolder, name);
      const page = await readFile(file, "utf8");
      const written = withOutputs(page, (line, before) =>
        line === "npm start" ? (started ?? before) : run(wordsOf(line), folder),
      );
      if (written === page) continue;
      await writeFile(file, written);
      print({ page: name });
    }
    const generating = ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"];
    const runs = (tasks: readonly string[]): readonly string[] =>
      generating.flatMap((name) => tasks.map((task) => join(start, name, task)));
    run(["report", ...runs(["vqav2", "coco-caption"]), "--output", "report"], folder);
    run(["report", ...runs(["vqav2"]), "--output", "samples"], folder);
    await mkdir(join(packageFolder, pictureFolder), { recursive: true });
    await takePictures({
      root: packageFolder,
      command,
      report: join(folder, "report", "index.html"),
      samples: join(folder, "samples", "index.html"),
      onPicture: (picture) => {
        print({ picture });
      },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
