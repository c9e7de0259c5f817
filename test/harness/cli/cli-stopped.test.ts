/** A run that is killed, or stopped by Ctrl-C, and goes on; two at once. As processes, with the fake model. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { vqav2Questions } from "../../../datasets/vqa.ts";
import { planWindows } from "../../../harness/evaluation/generation/ask.ts";
import {
  assertFails,
  fakeCommand,
  fakeInProcess,
  startAndWait,
  startProcess,
  until,
} from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { hangMs } from "../../support/project.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

describe("a run that is stopped", () => {
  const words = ["run", "--model", "fake", "--limit", "200", "--batch-size", "1"];

  it("by SIGKILL goes on with what is missing: the bytes are those of a run that never stopped", async () => {
    const child = await startAndWait(folder, { output: "a", lines: 12, words: words });
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.ok(existsSync(join(folder, "a", "run.lock")), "nothing was tidied up");
    appendFileSync(join(folder, "a", "predictions.jsonl"), '{"id":"1","imag');
    const again = await fakeInProcess(folder, ...words, "--output", "a");
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /: 0 of 200 samples/);
    assert.equal((await fakeInProcess(folder, ...words, "--output", "whole")).code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("by Ctrl-C ends after the window with 130, and says how to go on", async () => {
    const child = await startAndWait(folder, {
      output: "a",
      lines: 12,
      words: [...words, "--prompt", "it's {question}", "--overwrite"],
    });
    let err = "";
    child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.kill("SIGINT");
    child.kill("SIGINT"); // npm passes on what the terminal has sent already
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130, err);
    const command = `npx blip2-bench ${words.join(" ")} --prompt 'it'\\''s {question}' --output a`;
    assert.match(err, /Interrupted: \d+ of 200 samples are kept in .*a\. Go on with:\n/);
    assert.ok(err.endsWith(`  ${command}\n`), err);
    assert.deepEqual(readdirSync(join(folder, "a")).sort(), ["SHA256SUMS", "predictions.jsonl", "run.json"]);
    const lines = readFileSync(join(folder, "a", "predictions.jsonl"), "utf8").split("\n").length - 1;
    const { samples } = await vqav2Questions.open({ folder: bundledData }, "val");
    const ends = planWindows(samples.slice(0, 200), 1).map(
      (_, index, windows) => windows.slice(0, index).flat().length,
    );
    assert.ok(ends.includes(lines), "whole windows");

    const more = [...words, "--prompt", "it's {question}"];
    assert.equal((await fakeInProcess(folder, ...more, "--output", "a")).code, 0);
    assert.equal((await fakeInProcess(folder, ...more, "--output", "whole")).code, 0);
    assert.equal(bytesOf(join(folder, "a")), bytesOf(join(folder, "whole")));
  });

  it("by a second Ctrl-C ends at once", async () => {
    const env = { FAKE_LOAD_MS: String(hangMs) };
    const child = startProcess(folder, { command: fakeCommand, words: [...words, "--output", "a"], env });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    await until(() => existsSync(join(folder, "a", "run.lock")), child);
    child.kill("SIGINT");
    await until(() => err.includes("Ctrl-C again"), child);
    await setTimeout(700); // within half a second it would count as the same key
    child.kill("SIGINT");
    assert.deepEqual(await once(child, "exit"), [null, "SIGINT"]); // which a shell tells as 130
    assert.equal((await fakeInProcess(folder, ...words, "--output", "a")).code, 0);
  });

  it("keeps another process out while it runs", async () => {
    const child = await startAndWait(folder, { output: "a", lines: 4, words: words });
    assertFails(
      await fakeInProcess(folder, ...words, "--output", "a"),
      2,
      /a: in use by process \d+ on .*\. Wait for it, or give another --output\./,
    );
    child.kill("SIGKILL");
    await once(child, "exit");
  });
});
