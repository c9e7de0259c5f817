/** The real command in another precision: what is prepared, recorded, listed, found damaged and removed. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const model = ["--model", "shapes-opt-small"];
const question = [...model, "--tasks", "vqav2", "--limit", "2"];

/** The only folder of quantized weights in the cache of a test's folder. */
function quantized(folder: string): string {
  const parent = join(folder, "cache", "blip2-bench", "quantized");
  const [key = "", ...others] = readdirSync(parent);
  assert.deepEqual(others, []);
  return join(parent, key);
}

describe("blip2-bench run --precision", () => {
  it("quantizes when needed, records the precision, shows it in the row, and goes on in no other", async () => {
    const folder = temporaryFolder();
    const { code, out, err } = await inProcess(
      folder,
      "run",
      ...question,
      "-o",
      "a",
      "--precision",
      "language=int4,vision=int8",
    );
    assert.equal(code, 0, err);
    assert.match(err, /^shapes-opt-small: vision=int8,language=int4 weights: \d\.\d of \d\.\d MB/m);
    assert.match(out, /^shapes-opt-small +vision=int8,language=int4 +vqav2 +val +paper +accuracy /m);
    const record = JSON.parse(readFileSync(join(folder, "a", "run.json"), "utf8")) as { config: object };
    assert.equal("precision" in record.config && record.config.precision, "vision=int8,language=int4");
    assert.match(
      readFileSync(join(folder, "a", "rows.csv"), "utf8"),
      /^shapes-opt-small,"vision=int8,language=int4",/m,
    );

    const other = await inProcess(folder, "run", ...question, "-o", "a", "--precision", "int8");
    assertFails(other, 2, /config\.precision: found vision=int8,language=int4, expected int8/);
    const fp32 = await inProcess(folder, "run", ...question, "-o", "a");
    assertFails(fp32, 2, /config\.precision: found vision=int8,language=int4/);
  });

  it("says nothing of fp32: the record is what it was", async () => {
    const folder = temporaryFolder();
    assert.equal((await inProcess(folder, "run", ...question, "-o", "a", "--precision", "fp32")).code, 0);
    assert.doesNotMatch(readFileSync(join(folder, "a", "run.json"), "utf8"), /precision/);
  });
});

describe("blip2-bench prepare", () => {
  it("quantizes into the cache, and says what became of what", async () => {
    const folder = temporaryFolder();
    const { code, out, err } = await inProcess(folder, "prepare", ...model, "--precision", "int4");
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^shapes-opt-small int4: \d+ matrices int8, \d+ matrices int4, \d+ tensors fp32; 3\.\d to 0\.\d MB in \d+\.\d s, \d+(\.\d)? MB\/s\n$/,
    );
    assert.match(err, /^shapes-opt-small: int4 weights: (0\.\d) of \1 MB$/m);
    const again = await inProcess(folder, "prepare", ...model, "--precision", "int4", "--json");
    assert.equal(again.err, "", "it is there");
    const { prepared } = JSON.parse(again.out) as { prepared: readonly { checkpoint: string; precision: string }[] };
    assert.deepEqual(
      prepared.map(({ checkpoint, precision }) => [checkpoint, precision]),
      [["shapes-opt-small", "int4"]],
    );
    assert.ok(quantized(folder));
  });

  it("says why a matrix is not in the precision asked for", async () => {
    const folder = temporaryFolder();
    const { out } = await inProcess(folder, "prepare", "--model", "shapes-t5-small", "--precision", "int8");
    assert.match(
      out,
      /^shapes-t5-small int8: \d+ matrices int8, 5 matrices int8-block, .*\n {2}int8-block: what it multiplies /,
    );
  });
});

describe("blip2-bench cache", () => {
  it("lists what is kept, verifies every byte, and removes what is damaged", async () => {
    const folder = temporaryFolder();
    assert.match((await inProcess(folder, "cache")).out, /: nothing is kept\n$/);
    await inProcess(folder, "prepare", ...model, "--precision", "int8", "--quiet");
    const row = (state: string): RegExp =>
      new RegExp(`^shapes-opt-small +int8 weights +\\d\\.\\d MB +${state} +/`, "m");
    assert.match((await inProcess(folder, "cache", "ls")).out, row("finished"));
    const whole = await inProcess(folder, "cache", "verify");
    assert.equal(whole.code, 0, whole.err);
    assert.match(whole.out, row("whole"));
    assert.match((await inProcess(folder, "cache", "prune")).out, /: nothing to remove\n$/);

    truncateSync(join(quantized(folder), "weights.safetensors"), 5000);
    const damaged = await inProcess(folder, "cache", "verify");
    assert.equal(damaged.code, 2);
    assert.match(damaged.out, row("damaged"));
    assert.match(damaged.err, /^error: .*weights\.safetensors: .*\nThe next run that needs it makes it anew; /);
    assert.match((await inProcess(folder, "cache", "prune")).out, row("damaged"));
    assert.match((await inProcess(folder, "cache", "ls", "--json")).out, /"entries": \[\]/);
  });

  it("removes all with --all, from the cache folder that is named", async () => {
    const folder = temporaryFolder();
    const named = ["--cache", join(folder, "mine")];
    await inProcess(folder, "prepare", ...model, "--precision", "int8", "--quiet", ...named);
    assert.match((await inProcess(folder, "cache", "ls")).out, /: nothing is kept\n$/);
    assert.match((await inProcess(folder, "cache", "prune", "--all", ...named)).out, /^removed: \d\.\d MB in .*mine$/m);
    assert.match((await inProcess(folder, "cache", "ls", ...named)).out, /: nothing is kept\n$/);
  });
});
