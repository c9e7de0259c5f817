/** The gate on the bundled world: a run passes against itself, and fails when one tensor of one layer is scaled by 0.9. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { scaledCheckpoint } from "../../support/scaled-checkpoint.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const config = join(projectRoot, "baselines", "gate.json");
const tensor = "language_model.model.decoder.layers.1.self_attn.v_proj.weight";
describe("the gate on the bundled world", () => {
  const folder = temporaryFolder();
  const run = async (model: string, output: string): Promise<void> => {
    const { code, err } = await inProcess(folder, "run", "-q", "-m", model, "-t", "vqav2", "-o", output);
    assert.equal(code, 0, err);
  };
  const gate = (candidate: string): ReturnType<typeof inProcess> =>
    inProcess(folder, "gate", candidate, "--baseline", "main.json", "--config", config, "--explain");

  before(async () => {
    await run("shapes-opt-small", "main");
    assert.equal((await inProcess(folder, "baseline", "main", "-o", "main.json")).code, 0);
  });

  it("passes the run it was made of", async () => {
    const { code, out } = await gate("main");
    assert.equal(code, 0, out);
    assert.match(out, /Gate: pass\. 2 within their margins\./);
  });

  it("fails a checkpoint with one tensor of one layer scaled by 0.9", async () => {
    await run(scaledCheckpoint(folder, { [tensor]: 0.9 }), "candidate");
    const { code, out } = await gate("candidate");
    assert.equal(code, 10, out);
    assert.match(out, /same answers is 9\d\.\d\d.*beyond|same answers is 9\d\.\d\d.*upper bound is .*Fail\./);
  });
});
