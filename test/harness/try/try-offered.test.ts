/** Which checkpoints `try` offers: named ones, bundled ones, those of runs, and those in the Hugging Face cache. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundledModels, catalog } from "../../../harness/catalog/catalog.ts";
import { offeredCheckpoints } from "../../../harness/try/offered-checkpoints.ts";
import { repositoriesInHuggingFaceCache } from "../../../models/checkpoint/hugging-face-cache.ts";
import { CheckpointError } from "../../../models/model.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const commit = "51572668da0eb669e01a189dc22abe6088589a24";

/** A cache with the configs of bundled checkpoints, and things that are none. */
function hub(): string {
  const folder = temporaryFolder();
  const snapshot = (name: string): string => {
    const repository = join(folder, `models--${name.replace("/", "--")}`);
    mkdirSync(join(repository, "refs"), { recursive: true });
    writeFileSync(join(repository, "refs", "main"), commit);
    mkdirSync(join(repository, "snapshots", commit), { recursive: true });
    return join(repository, "snapshots", commit, "config.json");
  };
  copyFileSync(join(bundledModels, "shapes-t5-small", "config.json"), snapshot("owner/blip2--t5"));
  copyFileSync(join(bundledModels, "shapes-itm", "config.json"), snapshot("another/blip2-itm"));
  writeFileSync(snapshot("owner/bert"), '{"model_type":"bert","architectures":["BertModel"]}');
  mkdirSync(join(folder, "models--owner--half-downloaded"));
  mkdirSync(join(folder, "datasets--owner--pictures"));
  mkdirSync(join(folder, ".locks"));
  return folder;
}

describe("checkpoints that try offers", () => {
  const offered = async (models: readonly string[], ofRuns: readonly string[] = []): Promise<readonly string[]> => {
    const options = { hubCache: hub(), cacheFolder: temporaryFolder() };
    const found = await offeredCheckpoints({ models, ofRuns }, catalog, options);
    return found.map(({ name, does, from }) => `${name}, ${does.join(" ")}, ${from}`);
  };
  const bundled = [
    "shapes-opt-base, caption ask chat, bundled",
    "shapes-opt-small, caption ask chat, bundled",
    "shapes-t5-small, caption ask chat, bundled",
    "shapes-t5-base, caption ask chat, bundled",
    "shapes-itm, match, bundled",
    "shapes-itg, caption match, bundled",
  ];
  const cached = [
    "another/blip2-itm, match, in the Hugging Face cache",
    "owner/blip2--t5, caption ask chat, in the Hugging Face cache",
  ];

  it("are the bundled ones, the usual one first, and the BLIP-2s in the Hugging Face cache", async () => {
    assert.deepEqual(await offered([]), [...bundled, ...cached]);
    assert.deepEqual(await repositoriesInHuggingFaceCache(join(temporaryFolder(), "nowhere"), "models"), []);
  });

  it("do what their configs say, wherever they lie", async () => {
    const elsewhere = temporaryFolder();
    const configs = catalog.checkpoints.map(({ name, folder }) => {
      mkdirSync(join(elsewhere, name));
      copyFileSync(join(folder, "config.json"), join(elsewhere, name, "config.json"));
      return join(elsewhere, name);
    });
    const found = (await offered(configs)).slice(0, configs.length);
    const worksOf = (all: readonly string[]): readonly string[] =>
      all.map((each) => each.split(", ")[1] ?? "").toSorted();
    assert.deepEqual(worksOf(found), worksOf(bundled));
  });

  it("begin with those that are named, each once", async () => {
    const folder = join(bundledModels, "shapes-itm");
    assert.deepEqual(await offered(["owner/blip2--t5", "shapes-t5-base", folder]), [
      "owner/blip2--t5, caption ask chat, named by --model",
      "shapes-t5-base, caption ask chat, bundled",
      "shapes-itm, match, bundled",
      ...bundled.filter((each) => !/t5-base|itm/.test(each)),
      cached[0],
    ]);
  });

  it("have those of runs among them, as long as they are there", async () => {
    const own = temporaryFolder();
    copyFileSync(join(bundledModels, "shapes-t5-small", "config.json"), join(own, "config.json"));
    assert.deepEqual(await offered([], ["shapes-opt-small", own, "no/such/folder"]), [
      ...bundled,
      `${own}, caption ask chat, of a run`,
      ...cached,
    ]);
  });

  it("are refused where they are named and are none", async () => {
    await assert.rejects(offered(["owner/bert"]), CheckpointError);
    await assert.rejects(offered(["owner/half-downloaded"]), /no revision main in the Hugging Face cache/);
  });
});
