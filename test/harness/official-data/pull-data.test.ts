/** `pull` of a data set from a stand-in server, and `data check` of what it fetched. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { officialData, pullCommand } from "../../../harness/catalog/official-data.ts";
import type { OfficialDataset } from "../../../harness/catalog/official-data.ts";
import { main } from "../../../harness/cli/command.ts";
import type { DataCheck } from "../../../harness/official-data/check-data.ts";
import { assertFails, blip2, environment } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { officialArchives, officialTable } from "../../support/official-world.ts";
import { startDataServer } from "../../support/stand-in-data.ts";
import type { DataServer } from "../../support/stand-in-data.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const archives = officialArchives();
let server: DataServer;
let folder = "";

beforeEach(async () => {
  server = await startDataServer(archives);
  folder = temporaryFolder();
});

afterEach(async () => {
  await server.close();
});

const command = (...words: string[]): Promise<Ended> => commandWith(officialTable(server.origin, archives), words);

async function commandWith(table: readonly OfficialDataset[], words: readonly string[]): Promise<Ended> {
  let [out, err] = ["", ""];
  const code = await main(
    words,
    { ...catalog, officialData: table },
    {
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      env: environment(folder),
    },
  );
  return { code, out, err };
}

const vqaWords = (...more: string[]): readonly string[] => [
  ...["pull", "vqav2", "--split", "val", "--accept-terms", "--output", join(folder, "vqa"), "--json"],
  ...more,
];
const pullVqa = (...more: string[]): Promise<Ended> => command(...vqaWords(...more));

function imagesIn(name: string): readonly string[] {
  return readdirSync(join(folder, name, "val2014")).sort();
}

describe("pull of a data set", () => {
  it("fetches the annotations and only the images asked for, by ranges out of the archive", async () => {
    const { code, out, err } = await pullVqa("--limit", "60");
    assert.equal(code, 0, err);
    assert.match(err, /^vqav2: none\. These are terms\.\n/);
    const pulled = JSON.parse(out) as { samples: number; images: number; fetchedImages: number };
    assert.equal(pulled.samples, 60);
    const images = imagesIn("vqa");
    assert.equal(images.length, pulled.images);
    for (const name of images) {
      assert.deepEqual(
        readFileSync(join(folder, "vqa", "val2014", name)),
        readFileSync(join(bundledData, "val2014", name)),
      );
    }
    assert.ok(server.requests.filter(({ path }) => path === "val2014.zip").every(({ range }) => range !== null));
    assert.deepEqual(readdirSync(join(folder, "vqa")).sort(), [
      "v2_OpenEnded_mscoco_val2014_questions.json",
      "v2_mscoco_val2014_annotations.json",
      "val2014",
    ]);

    const before = server.requests.length;
    const again = JSON.parse((await pullVqa("--limit", "60")).out) as { fetchedImages: number };
    assert.equal(again.fetchedImages, 0);
    assert.equal(server.requests.length, before, "nothing is asked of the server");
  });

  it("fetches the whole archive where most of it is wanted, and gives the data a run answers and scores alike on", async () => {
    const { code, err } = await pullVqa();
    assert.equal(code, 0, err);
    assert.deepEqual(imagesIn("vqa"), readdirSync(join(bundledData, "val2014")).sort());
    const words = ["run", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "24", "--no-report", "--quiet"];
    assert.equal(blip2(folder, ...words, "-o", "bundled").code, 0);
    assert.equal(blip2(folder, ...words, "-o", "pulled", "--data", "vqa").code, 0);
    const [a, b] = ["bundled", "pulled"].map((output) => {
      const sheet = JSON.parse(readFileSync(join(folder, output, "scores.json"), "utf8")) as Record<string, unknown>;
      return [sheet["metrics"], sheet["samples"]];
    });
    assert.deepEqual(a, b);
  });

  it("shows terms before anything is fetched, and asks that they are accepted", async () => {
    const refused = await command("pull", "vqav2", "--output", join(folder, "vqa"));
    assert.equal(refused.code, 2);
    assert.match(
      refused.err,
      /These are terms\.\nerror: pull vqav2: read the terms above, and accept them with --accept-terms\.\n$/,
    );
    assert.equal(server.requests.length, 0);
    assert.ok(!existsSync(join(folder, "vqa")));
  });

  it("explains images that are behind a form, and takes Karpathy's splits", async () => {
    const output = join(folder, "f");
    const { code, out } = await command("pull", "flickr30k-retrieval", "--output", output);
    assert.equal(code, 2);
    assert.match(out, /The images are behind a form\./);
    assert.deepEqual(readdirSync(output), ["dataset_flickr30k.json"]);
    const coco = await command("pull", "coco-caption", "--limit", "5", "--output", join(folder, "c"));
    assert.equal(coco.code, 0, coco.err);
    assert.equal(imagesIn("c").length, 5);
  });

  it("keeps nothing of an archive that is another than the published one, or of a member that is damaged", async () => {
    await server.close();
    const broken = Buffer.from(archives["questions.zip"]!);
    broken[200] = broken[200]! ^ 1;
    server = await startDataServer({ ...archives, "questions.zip": broken });
    assertFails(
      { ...(await pullVqa("--limit", "5")), out: "" },
      2,
      /questions\.zip: its sha256 is [0-9a-f]{64}, expected/,
    );
    assert.ok(!existsSync(join(folder, "vqa", "v2_OpenEnded_mscoco_val2014_questions.json")));

    await server.close();
    const images = Buffer.from(archives["val2014.zip"]!);
    for (let at = 100; at < images.length - 60_000; at += 1000) images[at] = images[at]! ^ 1;
    server = await startDataServer({ ...archives, "val2014.zip": images });
    const { code, err } = await pullVqa("--limit", "5");
    assert.equal(code, 2);
    assert.match(err, /val2014\.zip: the zip archive is damaged: .*\.jpg is not what was packed/);
  });

  it("goes on over cut answers", async () => {
    await server.close();
    server = await startDataServer(archives, (path, count) =>
      path === "val2014.zip" && count === 4 ? { kind: "cut", afterBytes: 100 } : null,
    );
    const { code, err } = await pullVqa("--limit", "20");
    assert.equal(code, 0, err);
  });

  for (const [address, words] of [
    ["val2014/", "the images are fetched one by one"],
    [null, "the whole archive is fetched"],
  ] as const) {
    it(`from a server that gives no ranges says that ${words}`, async () => {
      await server.close();
      const names = readdirSync(join(bundledData, "val2014"));
      const single = names.map(
        (name) => [`val2014/${name}`, readFileSync(join(bundledData, "val2014", name))] as const,
      );
      server = await startDataServer({ ...archives, ...Object.fromEntries(single) }, (path, count) =>
        path === "val2014.zip" && count > 2 ? { kind: "whole" } : null,
      );
      const table = officialTable(server.origin, archives).map((dataset): OfficialDataset => ({
        ...dataset,
        splits: dataset.splits.map((split) => {
          if ("why" in split.images) return split;
          const images = split.images.map((each) => ({ ...each, address: address && `${server.origin}/${address}` }));
          return { ...split, images };
        }),
      }));
      const { code, out, err } = await commandWith(table, vqaWords("--limit", "20"));
      assert.equal(code, 0, err);
      assert.match(err, new RegExp(`val2014\\.zip: 127\\.0\\.0\\.1:\\d+ gives no parts of it; ${words}\n`));
      const { images } = JSON.parse(out) as { images: number };
      assert.equal(imagesIn("vqa").length, images);
      for (const name of imagesIn("vqa")) {
        assert.deepEqual(
          readFileSync(join(folder, "vqa", "val2014", name)),
          readFileSync(join(bundledData, "val2014", name)),
        );
      }
      const isSingle = ({ path }: { readonly path: string }): boolean => path.startsWith("val2014/");
      assert.equal(server.requests.filter(isSingle).length, address === null ? 0 : images);
      assert.ok(!existsSync(join(folder, "vqa", ".pull")));
    });
  }

  it("is what an error about missing files names, with the split and the folder", async () => {
    for (const files of [{}, { "v2_OpenEnded_mscoco_val2014_questions.json": "{}" }]) {
      const data = temporaryFolder(files);
      const run = ["run", "--model", "shapes-opt-small", "--tasks", "vqav2", "--data", data];
      const { code, err } = await command(...run, "--output", join(folder, "a"));
      assert.equal(code, 2);
      const end = ` Give the folder with --data. Or get it with: npx blip2-bench pull vqav2 --split val --output ${data}\n`;
      assert.ok(err.endsWith(end), err);
    }
  });

  it("names the data sets and splits there are", async () => {
    assertFails(
      await command("pull", "coco-caption", "--split", "tset", "--output", join(folder, "x")),
      2,
      /--split tset: pull coco-captions: no such split\. Did you mean test\?/,
    );
    const { out } = await command("pull", "--list");
    assert.match(out, /vqav2 +val/);
  });
});

describe("data check", () => {
  it("says what a folder's splits hold, and that all is whole", async () => {
    const { code, out } = await command("data", "check", bundledData, "vqav2", "--json");
    assert.equal(code, 0);
    const { splits } = JSON.parse(out) as DataCheck;
    assert.deepEqual(
      splits.map(({ dataset, split, samples, officialSamples, images, missing, damaged }) => {
        return [dataset, split, samples, officialSamples, images, missing.length, damaged.length];
      }),
      [["vqav2", "val", 991, 991, 300, 0, 0]],
    );
  });

  it("finds missing and damaged images and archives, and how to get them", async () => {
    assert.equal((await pullVqa("--limit", "40")).code, 0);
    const [first = "", second = ""] = imagesIn("vqa");
    const image = (name: string): string => join(folder, "vqa", "val2014", name);
    truncateSync(image(first), 300);
    rmSync(image(second));
    writeFileSync(join(folder, "vqa", "val2014.zip"), archives["val2014.zip"]!.subarray(0, 5000));
    writeFileSync(join(folder, "vqa", "questions.zip"), archives["questions.zip"]!);
    const { code, out } = await command("data", "check", join(folder, "vqa"), "vqav2");
    assert.equal(code, 2);
    assert.match(out, /vqav2 +val +991 +991 +300 +\d+ +1\n/);
    assert.match(out, /vqav2 val: \d+ images are not there, first /);
    assert.match(out, new RegExp(`${first}: .*truncated or damaged`));
    assert.match(out, /npx blip2-bench pull vqav2 --split val --output /);
    assert.match(out, /val2014\.zip: the zip archive is damaged: it has no end record/);
    assert.match(out, /questions\.zip: 1 members, all whole/);
    assert.match(out, /something is to be mended\.\n$/);
  });

  it("finds files that do not fit together, and folders that have nothing", async () => {
    const data = temporaryFolder({
      "v2_OpenEnded_mscoco_val2014_questions.json": JSON.stringify({
        questions: [{ image_id: 1, question_id: 1000, question: "?" }],
      }),
      "v2_mscoco_val2014_annotations.json": JSON.stringify({ annotations: [] }),
      "val2014/a.txt": "",
    });
    const { code, out } = await command("data", "check", data, "vqav2");
    assert.equal(code, 2);
    assert.match(out, /does not fit .*questions without annotation: 1, first 1000/);
    assertFails(
      await command("data", "check", temporaryFolder(), "nocaps"),
      2,
      /nothing of a data set that is known here/,
    );
    assertFails(await command("data", "check", join(data, "no")), 2, /no: the folder cannot be read/);
    assertFails(await command("data", "check"), 2, /data check: found no folder/);
    assertFails(await command("data", "chekc"), 2, /data chekc: no such action\. Did you mean check\?/);
  });
});

describe("the table of official files", () => {
  it("gives commands that a shell reads as they are meant", () => {
    assert.equal(
      pullCommand(officialData, "gqa", { split: "val", folder: "/data/Ann's files" }),
      "npx blip2-bench pull gqa --split val --output '/data/Ann'\\''s files'",
    );
  });

  it("names every split that a data set's reader has, with addresses and checksums that could be", () => {
    for (const { name, splits } of officialData) {
      const dataset = catalog.tasks.find((task) => task.dataset.name === name)?.dataset;
      assert.ok(dataset !== undefined, name);
      for (const { split, annotations, images } of splits) {
        assert.ok(dataset.splits.includes(split), `${name} ${split}`);
        const archives = "why" in images ? [] : images.flatMap((each) => each.archive ?? []);
        const found = [...annotations.map(({ from }) => from), ...archives];
        for (const { url, sha256 } of found) {
          assert.ok(URL.canParse(url), url);
          assert.ok(
            sha256.every((hex) => /^[0-9a-f]{64}$/.test(hex)),
            url,
          );
        }
      }
    }
  });
});
