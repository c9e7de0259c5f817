/** The commands of docs/pull.md and docs/data.md, each page from an empty machine, against a stand-in hub and a stand-in data server. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { vqav2Mirror } from "../../support/bundled-mirrors.ts";
import { officialCommand, startProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { bundledFiles, endOf, filesOf } from "../../support/hub/pulling.ts";
import { startHub } from "../../support/hub/stand-in-hub.ts";
import type { StandInHub } from "../../support/hub/stand-in-hub.ts";
import { officialArchives } from "../../support/official-world.ts";
import { projectRoot } from "../../support/project.ts";
import { startDataServer } from "../../support/stand-in-data.ts";
import type { DataServer } from "../../support/stand-in-data.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const name = "Salesforce/blip2-opt-2.7b";
let hub: StandInHub;
let data: DataServer;

before(async () => {
  const mirror = temporaryFolder();
  vqav2Mirror(mirror);
  const parquet = Object.entries(filesOf(join(mirror, "data"))).map(([file, bytes]) => [`data/${file}`, bytes]);
  hub = await startHub({
    [name]: { files: bundledFiles("shapes-opt-small"), refs: ["v1"] },
    "datasets/lmms-lab/VQAv2": { files: Object.fromEntries(parquet) as Record<string, Buffer> },
  });
  data = await startDataServer(officialArchives());
});

after(async () => {
  await Promise.all([hub.close(), data.close()]);
});

function run(folder: string, command: string): Promise<Ended> {
  const env = { HF_ENDPOINT: hub.endpoint, OFFICIAL_DATA: data.origin };
  return endOf(startProcess(folder, { command: officialCommand, words: command.split(" "), env }));
}

function commandsIn(page: string): readonly string[] {
  const text = readFileSync(join(projectRoot, "docs", page), "utf8");
  return [...text.matchAll(/^npx blip2-bench (.+)$/gm)].map(([, words]) => words!);
}

describe("the commands of docs/data.md", () => {
  it("run one after the other, and end well", async () => {
    const folder = temporaryFolder();
    const commands = commandsIn("data.md");
    assert.ok(commands.length >= 6);
    for (const command of commands) {
      const { code, out, err } = await run(folder, command);
      assert.equal(code, 0, `${command}: ${out}${err}`);
    }
  });
});

describe("the commands of docs/pull.md", () => {
  const folder = temporaryFolder();
  const [pullData = "", runOnIt = "", ...others] = commandsIn("pull.md");

  it("are two from an empty cache to a number", async () => {
    assert.equal(pullData, "pull vqav2 --split val --limit 500 --accept-terms --output data/vqav2");
    assert.equal(runOnIt, `run --model ${name} --tasks vqav2 --data data/vqav2 --limit 500 --pull`);
    const pulled = await run(folder, pullData);
    assert.equal(pulled.code, 0, pulled.err);
    assert.match(pulled.out, /^vqav2 val: 500 samples; \d+ images, \d+ fetched\nuse it with --data .*data\/vqav2\n$/);
    const { code, out, err } = await run(folder, runOnIt);
    assert.equal(code, 0, err);
    assert.match(out, /vqav2/);
    const [output = ""] = readdirSync(join(folder, "runs"));
    const bundled = "run --model shapes-opt-small --tasks vqav2 --limit 500 --output bundled --no-report";
    assert.equal((await run(folder, bundled)).code, 0);
    assert.deepEqual(scoresIn(join("runs", output)), scoresIn("bundled"), "of the files that were served");
  });

  it("run one after the other, and end well", async () => {
    assert.ok(others.length >= 5);
    for (const command of others) {
      const { code, err } = await run(folder, command);
      assert.equal(code, 0, `${command}: ${err}`);
    }
  });

  function scoresIn(output: string): unknown {
    const text = readFileSync(join(folder, output, "scores.json"), "utf8");
    const { metrics, samples } = JSON.parse(text) as { metrics: { name: string; value: number }[]; samples: unknown };
    return [metrics.map((metric) => [metric.name, metric.value]), samples];
  }
});
