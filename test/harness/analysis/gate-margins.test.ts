/** Margins without a config: the usual ones, which are said, and those of --margin. */
import assert from "node:assert/strict";
import {
  accuracyConfig,
  answers,
  baselineOf,
  command,
  configFile,
  gateJson,
  madeRun,
} from "../../support/gated-runs.ts";

/** A run that lost `lost` of a thousand images, and the flag with its baseline. */
async function words(lost: number, metric = "accuracy", task = "vqav2"): Promise<readonly string[]> {
  const run = { metric, task };
  const baseline = await baselineOf({ ...run, samples: answers(1000) });
  return [madeRun({ ...run, samples: answers(1000, { lost }) }), "--baseline", baseline];
}

async function margins(asked: readonly string[]): Promise<unknown> {
  const { result } = await gateJson(...asked);
  return result.judgements.map((one) => (one.kind === "metric" ? [one.metric, one.margin, one.isPrimary] : one.kind));
}

describe("gate without a config", () => {
  it("says the usual margins and judges the first metric of a task by them", async () => {
    const asked = await words(0);
    const { code, out } = await command("gate", ...asked);
    assert.equal(code, 0);
    const said =
      "No --config, so the usual margins hold: worse, in points, may be accuracy of vqav2 by 0.5. " +
      'Others with --margin "accuracy=0.5", or a file with --config.';
    assert.ok(out.includes(said), out);
    const { result } = await gateJson(...asked);
    assert.deepEqual(result.notes, [said]);
    assert.deepEqual(await margins(asked), [["accuracy", 0.005, true]]);
    assert.deepEqual(await margins(await words(0, "CIDEr", "coco-caption")), [["CIDEr", 0.01, true]]);
    assert.equal((await command("gate", ...(await words(40)))).code, 10);
  });

  it("takes --margin for a metric, several times, the last of one metric", async () => {
    const asked = await words(40);
    const { result, code } = await gateJson(...asked, "--margin", "accuracy=1", "--margin", "accuracy=9");
    assert.deepEqual([code, result.notes], [0, []]);
    assert.deepEqual(await margins([...asked, "--margin", "same answers=9", "--margin", "accuracy=8.5"]), [
      ["accuracy", 0.085, true],
      ["same answers", 0.09, true],
    ]);
    const { out } = await command("gate", ...asked, "--margin", "same answers=9");
    assert.match(out, /the usual margins hold: .* accuracy of vqav2 by 0\.5\./);
  });

  it("puts annotations beside the baseline", async () => {
    const asked = await words(40);
    const { out } = await command("gate", ...asked, "--annotations", "github");
    assert.ok(out.includes(`::error file=${asked.at(-1)!.replaceAll(":", "%3A")},`), out);
  });
});

describe("gate with a config", () => {
  it("lets --margin win, and leaves a secondary metric secondary", async () => {
    const metrics = [
      { metric: "accuracy", margin: 1 },
      { metric: "accuracy", margin: 2, precision: "fp32" },
      { metric: "same answers", margin: 1, primary: false },
    ];
    const asked = [...(await words(40)), "--config", configFile({ ...accuracyConfig, metrics })];
    const { code, result } = await gateJson(...asked, "--margin", "accuracy=9", "--margin", "same answers=3");
    assert.equal(code, 0);
    assert.deepEqual(result.notes, []);
    assert.deepEqual(await margins([...asked, "--margin", "accuracy=9", "--margin", "same answers=3"]), [
      ["accuracy", 0.09, true],
      ["same answers", 0.03, false],
    ]);
    assert.deepEqual(await margins(asked), [
      ["accuracy", 0.02, true],
      ["same answers", 0.01, false],
    ]);
  });
});
