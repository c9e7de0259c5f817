/** Images that own data names by their addresses, fetched by `run --pull` from a server on this machine. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { incompleteCode, usageCode } from "../../../harness/cli/exit-code.ts";
import { pullAddressedImages } from "../../../harness/official-data/pull-addressed-images.ts";
import { openNetwork } from "../../../harness/pull/network/network.ts";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { assertFails, callCommand } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { fakeCatalog, fakeModel } from "../../support/fakes.ts";
import { hastySettings } from "../../support/hub/pulling.ts";
import { bundledQuestions } from "../../support/own-forms.ts";
import { startDataServer } from "../../support/stand-in-data.ts";
import type { DataServer } from "../../support/stand-in-data.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

/** The fake model, and all tasks of the project. */
const offered = { ...fakeCatalog(() => Promise.resolve(fakeModel())), tasks: catalog.tasks };
const photo = readFileSync(bundledQuestions(1)[0]!.path);

describe("images of own data by address", () => {
  let server: DataServer;
  let folder = "";
  let data = "";
  beforeEach(async () => {
    server = await startDataServer({ "a.jpg": photo, "page.html": Buffer.from("<html>Log in</html>") });
    folder = temporaryFolder();
    data = join(folder, "metadata.csv");
    const rows = ["a.jpg", "none.jpg", "page.html", "a.jpg"].map((name) => `${server.origin}/${name},What?,red\n`);
    writeFileSync(data, `file_name,question,answer\n${rows.join("")}`);
  });
  afterEach(async () => {
    await server.close();
  });

  const call = (...typed: readonly string[]): Promise<Ended> => callCommand(folder, { words: typed, offered });
  const words = (...more: readonly string[]): readonly string[] => [
    ...["run", "-m", "fake", "-t", "vqa", "--data", data, "-o", "out", "--no-report", "--quiet"],
    ...more,
  ];
  const run = (...more: readonly string[]): Promise<Ended> => call(...words(...more));
  const statuses = (): readonly string[] =>
    readFileSync(join(folder, "out", "predictions.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly status: string }).status);
  const cached = (): readonly string[] => readdirSync(join(folder, "cache", "blip2-bench", "own-images"));

  it("are not fetched without --pull, which the error names with file and line", async () => {
    const message = `own data: ${data}: line 2: the image is an address, ${server.origin}/a.jpg, and is not in the cache. So are 2 more. Fetch what is missing with --pull, or download the images and name their files.`;
    assertFails(await run(), usageCode, message);
    assert.deepEqual(server.requests, []);
  });

  it("are fetched once with --pull, and one that does not come fails its own sample", async () => {
    const { code, err } = await run("--pull");
    assert.equal(code, incompleteCode, err);
    const line = (number: number): string => `own data: ${data}: line ${number}: the image could not be fetched: `;
    assert.ok(err.includes(`${line(3)}${server.origin}/none.jpg: answered 404: no such file`), err);
    const page = `${server.origin}/page.html: sent something else than an image, expected JPEG, PNG, WebP or GIF.`;
    assert.ok(err.includes(`${line(4)}${page}`), err);
    assert.equal(statuses().filter((status) => status === "predicted").length, 2);
    assert.equal(statuses().filter((status) => status === "failed").length, 2);
    const name = createHash("sha256").update(`${server.origin}/a.jpg`).digest("hex");
    assert.deepEqual(cached(), [name]);
    assert.equal(server.requests.length, 3);

    const again = await run("--limit", "1", "--overwrite");
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(statuses(), ["predicted"]);
    assert.equal(server.requests.length, 3);
    const shown = await call("show", "out", "1");
    assert.ok(shown.out.includes(name), shown.out);
    const checked = await call("data", "check", data, "vqa", "--quiet");
    assert.match(checked.out, /2 images are not there, first http.*none\.jpg, http.*page\.html\./);
  });

  it("are not fetched where HF_HUB_OFFLINE is set", async () => {
    const ended = await callCommand(folder, { words: words("--pull"), offered, env: { HF_HUB_OFFLINE: "1" } });
    assert.notEqual(ended.code, 0);
    assert.ok(ended.err.includes(`line 2: the image ${server.origin}/a.jpg is not in the cache, one of 3`), ended.err);
    assert.match(ended.err, /HF_HUB_OFFLINE is set, so that nothing is fetched\./);
    assert.deepEqual(server.requests, []);
  });

  it("are refused with another kind of address", async () => {
    writeFileSync(data, "file_name,question\nfile:///etc/hostname,What?\n");
    const what =
      "the image is the address file:///etc/hostname, expected one that begins with https:// or http://, or a path.";
    assertFails(await run("--pull"), usageCode, `own data: ${data}: line 2: ${what}`);
  });

  it("are not read to their end where they are too large", async () => {
    const network = openNetwork(hastySettings, { signal: new AbortController().signal, tell: () => undefined });
    const path = join(folder, "fetched");
    const url = `${server.origin}/a.jpg`;
    const options = { mostBytes: photo.length - 1, onImage: () => undefined };
    try {
      const unfetched = await pullAddressedImages(network, [{ url, path, where: "" }], options);
      assert.match(unfetched.get(url) ?? "", /a\.jpg: is larger than .*, which is the most\./);
      assert.ok(!existsSync(path));
      await pullAddressedImages(network, [{ url, path, where: "" }], { ...options, mostBytes: photo.length });
      assert.deepEqual(readFileSync(path), photo);
    } finally {
      await network.close();
    }
  });
});
