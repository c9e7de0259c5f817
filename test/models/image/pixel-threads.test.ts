/** Images decoded and resized in threads: the plain way, in this thread, is the oracle. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { loadPixels } from "../../../models/image/image-processor.ts";
import { PixelThreads } from "../../../models/image/pixel-threads.ts";
import { parsePreprocessorConfig } from "../../../models/image/preprocessor-config.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { cacheFolder, hangMs, projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const settings = parsePreprocessorConfig({ size: 64, rescale_factor: 0.00392156862745098 }, "test");
const fixtures = path.join(projectRoot, "test", "fixtures", "preprocess", "images");
const files = readdirSync(fixtures).map((name) => path.join(fixtures, name));
const [some = ""] = files;

describe("image threads", () => {
  it("make the pixels that this thread makes, bit for bit, whatever the order", async () => {
    const threads = new PixelThreads(2);
    const found = await Promise.all(files.map((file) => threads.loadPixels(file, settings)));
    for (const [index, file] of files.entries()) {
      assert.deepEqual(found[index]!.values, (await loadPixels(file, settings)).values, file);
      assert.deepEqual(Object.keys(found[index]!.latencyMs), ["imageRead", "imageDecode", "imageResize"]);
    }
    await threads.release();
  });

  it("say of a broken image what this thread says, and go on", async () => {
    const threads = new PixelThreads(1);
    const folder = temporaryFolder();
    const contents = { empty: "", text: "no image", cut: "\u00ff\u00d8\u00ff\u00e0 and no more" };
    for (const [name, content] of Object.entries(contents)) {
      const file = path.join(folder, `${name}.jpg`);
      writeFileSync(file, Buffer.from(content, "latin1"));
      const expected = await loadPixels(file, settings).catch((error: unknown) => error);
      assert.ok(expected instanceof Error);
      const { name: kind, message } = expected;
      assert.equal(kind, "ImageError");
      await assert.rejects(threads.loadPixels(file, settings), { name: kind, message });
    }
    await assert.rejects(threads.loadPixels(path.join(folder, "none.jpg"), settings), { name: "ImageError" });
    assert.equal((await threads.loadPixels(some, settings)).values.length, 3 * 64 * 64);
    await threads.release();
  });

  it("refuse what waits when they are ended, and start again", async () => {
    const threads = new PixelThreads(1);
    const images = Array.from({ length: 200 }, () => threads.loadPixels(some, settings));
    const settled = Promise.allSettled(images);
    await images[0]; // the thread has begun, and has more to do
    await threads.release();
    const refused = (await settled).flatMap((each): unknown[] => (each.status === "rejected" ? [each.reason] : []));
    assert.ok(refused.length > 0);
    for (const error of refused) assert.match(String(error), /the thread that decodes images was ended/);
    assert.ok((await threads.loadPixels(some, settings)).values.length > 0);
    await threads.release();
  });

  it("keep no process alive", () => {
    const url = (file: string): string => JSON.stringify(path.join(projectRoot, "dist", "models", "image", file));
    const code = `import { PixelThreads } from ${url("pixel-threads.js")};
      const threads = new PixelThreads(2);
      await threads.loadPixels(${JSON.stringify(some)}, ${JSON.stringify(settings)});
      console.log("done");`;
    const file = path.join(temporaryFolder(), "some.mjs");
    writeFileSync(file, code);
    const { stdout, status } = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: hangMs });
    assert.deepEqual([stdout, status], ["done\n", 0]);
  });

  it("are one at least", () => {
    assert.throws(() => new PixelThreads(0), /0 image threads, expected 1 or more/);
  });

  it("change no answer of a model", async () => {
    const where = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
    const image = path.join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
    const requests = [
      { image: { id: "108", path: image }, prompt: "a photo of" },
      { image: { id: "none", path: "/nowhere.jpg" }, prompt: null },
    ];
    const greedy = { beams: 1, newTokens: { min: 1, max: 8 }, lengthPenalty: 1, repetitionPenalty: 1 };
    const answers = [];
    for (const imageThreads of [0, 2]) {
      const model = await loadBlip2(where, { threads: 1, cacheFolder, hubCache: "", imageThreads });
      await model.readAhead(requests[0]!.image);
      const given = await model.generate(requests, { ...greedy, earlyStopping: false });
      answers.push(given.map((answer) => ({ ...answer, latencyMs: {} })));
      await model.release();
    }
    assert.deepEqual(answers[1], answers[0]);
    assert.equal(answers[0]?.[1]?.status, "failed");
  });
});
