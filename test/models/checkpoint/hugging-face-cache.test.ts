/** Finding checkpoints in the local Hugging Face cache. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import {
  findInHuggingFaceCache,
  huggingFaceCacheFolder,
  parseHubName,
  parseMirrorName,
  shownHubName,
} from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

describe("the folder of the Hugging Face cache", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
    [{}, "/home/u/.cache/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/xdg" }, "/xdg/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/xdg", HF_HOME: "/hf" }, "/hf/hub"],
    [{ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/legacy" }, "/legacy"],
    [{ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/legacy", HF_HUB_CACHE: "/hub" }, "/hub"],
    [{ HF_HOME: "~/hf" }, "/home/u/hf/hub"],
    [{ HF_HOME: "" }, "/home/u/.cache/huggingface/hub"],
  ];
  for (const [env, folder] of cases) {
    it(`is ${folder} with ${JSON.stringify(env)}`, () => {
      assert.equal(huggingFaceCacheFolder(env, "/home/u"), path.normalize(folder));
    });
  }
});

describe("a name on the hub", () => {
  it("is owner/name, with a revision or without", () => {
    assert.deepEqual(parseHubName("Salesforce/blip2-opt-2.7b"), {
      kind: "models",
      repository: "Salesforce/blip2-opt-2.7b",
      revision: "main",
    });
    assert.deepEqual(parseHubName("Salesforce/blip2-itm-vit-g@refs/pr/3"), {
      kind: "models",
      repository: "Salesforce/blip2-itm-vit-g",
      revision: "refs/pr/3",
    });
  });

  it("of a mirror begins with hf:, and is shown as it is read", () => {
    const name: HubName = { kind: "datasets", repository: "lmms-lab/VQAv2", revision: "v1" };
    assert.deepEqual(parseMirrorName("hf:lmms-lab/VQAv2@v1"), name);
    assert.equal(shownHubName(name), "hf:lmms-lab/VQAv2@v1");
    for (const other of ["lmms-lab/VQAv2", "hf:VQAv2", "hf:", "hf:a/b@"]) assert.equal(parseMirrorName(other), null);
  });

  for (const other of ["blip2", "./models/x", "../x/y", "/a/b", "a/b/c", "a/b@", "a/b@../../c", "a/b@.", "a b/c", ""]) {
    it(`is not "${other}"`, () => {
      assert.equal(parseHubName(other), null);
    });
  }
});

describe("a checkpoint in the Hugging Face cache", () => {
  const commit = "0123456789abcdef0123456789abcdef01234567";
  const repository = "models--org--name";

  it("is the snapshot that refs/main names", async () => {
    const hubCache = temporaryFolder({
      [`${repository}/refs/main`]: `${commit}\n`,
      [`${repository}/snapshots/${commit}/config.json`]: "{}",
    });
    const folder = path.join(hubCache, repository, "snapshots", commit);
    const hubName: HubName = { kind: "models", repository: "org/name", revision: "main" };
    assert.deepEqual(await findInHuggingFaceCache(hubName, { hubCache }), { folder, commit });
    const byCommit: HubName = { kind: "models", repository: "org/name", revision: commit };
    assert.deepEqual(await findInHuggingFaceCache(byCommit, { hubCache }), { folder, commit });
  });

  it("that was never downloaded: where was looked, and how to get it", async () => {
    const hubCache = temporaryFolder();
    await assertRefused(
      () => findInHuggingFaceCache({ kind: "models", repository: "org/name", revision: "v1" }, { hubCache }),
      "org/name@v1: not in the Hugging Face cache; looked for FOLDER/models--org--name. " +
        "Get it with: npx blip2-bench pull org/name@v1",
      hubCache,
    );
  });

  it("of a revision that was not downloaded: which there are", async () => {
    const hubCache = temporaryFolder({ [`${repository}/refs/main`]: commit, [`${repository}/refs/v2`]: commit });
    await assertRefused(
      () => findInHuggingFaceCache({ kind: "models", repository: "org/name", revision: "v1" }, { hubCache }),
      "org/name@v1: no revision v1 in the Hugging Face cache; looked for FOLDER/models--org--name/refs/v1. " +
        "Revisions there: main, v2. Get it with: npx blip2-bench pull org/name@v1",
      hubCache,
    );
  });

  it("without a single revision", async () => {
    const hubCache = temporaryFolder();
    mkdirSync(path.join(hubCache, repository));
    await assertRefused(
      () => findInHuggingFaceCache({ kind: "models", repository: "org/name", revision: "main" }, { hubCache }),
      "org/name: no revision main in the Hugging Face cache; looked for FOLDER/models--org--name/refs/main. " +
        "Revisions there: none. Get it with: npx blip2-bench pull org/name",
      hubCache,
    );
  });

  it("whose snapshot is gone", async () => {
    const hubCache = temporaryFolder({ [`${repository}/refs/main`]: commit });
    await assertRefused(
      () => findInHuggingFaceCache({ kind: "models", repository: "org/name", revision: "main" }, { hubCache }),
      `org/name: the files of commit ${commit} are not in the Hugging Face cache; ` +
        `looked for FOLDER/models--org--name/snapshots/${commit}. Get them with: npx blip2-bench pull org/name`,
      hubCache,
    );
  });

  it("whose ref is no commit", async () => {
    const hubCache = temporaryFolder({ [`${repository}/refs/main`]: "<html>" });
    await assertRefused(
      () => findInHuggingFaceCache({ kind: "models", repository: "org/name", revision: "main" }, { hubCache }),
      'FOLDER/models--org--name/refs/main: "<html>" is not a commit. Download the checkpoint again.',
      hubCache,
    );
  });
});
