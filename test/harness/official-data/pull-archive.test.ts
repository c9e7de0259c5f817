/** What `pull` takes out of a large archive of a stand-in server: how many bytes, stopped and gone on with, changed, too large. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Dataset, Sample } from "../../../datasets/dataset.ts";
import type { OfficialSplit } from "../../../harness/catalog/official-data.ts";
import { pullData } from "../../../harness/official-data/pull-data.ts";
import type { PulledData } from "../../../harness/official-data/pull-data.ts";
import { openNetwork } from "../../../harness/pull/network/network.ts";
import type { NetworkEvent } from "../../../harness/pull/network/network.ts";
import { PullError, PullIncompleteError } from "../../../harness/pull/network/pull-error.ts";
import { officialCommand, startProcess } from "../../support/command-process.ts";
import { endOf, hastySettings, manyBytes } from "../../support/hub/pulling.ts";
import { officialArchives } from "../../support/official-world.ts";
import { startDataServer } from "../../support/stand-in-data.ts";
import type { DataServer } from "../../support/stand-in-data.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { zipBytes } from "../../support/zip-archive.ts";

const imageBytes = 160_000; // about what one of COCO's has
const images = Array.from({ length: 160 }, (_, index) => ({
  name: `all/${String(index).padStart(12, "0")}.jpg`,
  bytes: manyBytes(imageBytes, index + 1),
}));
const archive = zipBytes(images);
const text = Buffer.from('{"questions": []}');
const annotations = zipBytes([{ name: "questions.json", bytes: text, isDeflated: true }]);

let server: DataServer;
let folder = "";

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await server.close();
});

/** Asks about these of the images. */
function datasetOf(wanted: readonly { readonly name: string }[]): Dataset<Sample> {
  const samples = wanted.map(({ name }) => ({ id: name, image: { id: name, path: name } }));
  const open: Dataset<Sample>["open"] = ({ folder }, name) =>
    Promise.resolve({ name, samples, files: [], imageFolder: folder });
  return { name: "large", splits: ["val"], open };
}

function officialSplit(more: Partial<OfficialSplit> = {}): OfficialSplit {
  const from = { url: `${server.origin}/images.zip`, sizeBytes: null, sha256: [] };
  return {
    split: "val",
    samples: images.length,
    annotations: [],
    images: [{ folder: "all", archive: from, address: null }],
    ...more,
  };
}

async function pulled(
  wanted: typeof images,
  {
    official = officialSplit(),
    onEvent = () => undefined,
  }: { readonly official?: OfficialSplit; readonly onEvent?: (event: NetworkEvent, stop: () => void) => void } = {},
): Promise<PulledData> {
  const stop = new AbortController();
  const network = openNetwork(hastySettings, {
    signal: stop.signal,
    tell: (event) => {
      onEvent(event, () => {
        stop.abort();
      });
    },
  });
  try {
    const asked = { dataset: datasetOf(wanted), official, folder, limit: null, onWork: () => undefined };
    return await pullData(network, asked);
  } finally {
    await network.close();
  }
}

function assertHere(wanted: typeof images): void {
  assert.deepEqual(readdirSync(join(folder, "all")).length, wanted.length);
  for (const { name, bytes } of wanted) assert.ok(readFileSync(join(folder, name)).equals(bytes), name);
  assert.ok(!existsSync(join(folder, ".pull")), "nothing is left over");
}

describe("pull out of a large archive", () => {
  it("costs the bytes of the members asked for and 2 % at most, over HTTP", async () => {
    server = await startDataServer({ "images.zip": archive });
    const wanted = images.filter((_, index) => index % 3 === 0);
    const { fetchedImages } = await pulled(wanted);
    assert.equal(fetchedImages, wanted.length);
    assertHere(wanted);
    const ratio = server.sentBytes() / (wanted.length * imageBytes);
    assert.ok(ratio >= 1 && ratio <= 1.02, `${ratio}`);
  });

  it("goes on with a whole archive where it was stopped", async () => {
    server = await startDataServer({ "images.zip": archive });
    let received = 0;
    await assert.rejects(
      pulled(images, {
        onEvent: (event, stop) => {
          if (event.kind === "received" && (received += event.bytes) > archive.length / 2) stop();
        },
      }),
    );
    let resumed = 0;
    await pulled(images, {
      onEvent: (event) => {
        if (event.kind === "resumed") resumed += event.bytes;
      },
    });
    assert.ok(resumed > archive.length / 4, `${resumed} bytes were kept`);
    assertHere(images);
  });

  it("takes images out of the archives of two folders, as COCO's training images of Karpathy's split are", async () => {
    const files = ["train2014", "val2014"].map((name, index) => {
      return { name: `${name}/COCO_${name}_00000000000${index}.jpg`, bytes: manyBytes(5000, index + 1) };
    });
    server = await startDataServer(
      Object.fromEntries(files.map((file) => [`${file.name.split("/")[0] ?? ""}.zip`, zipBytes([file])])),
    );
    const official = officialSplit({
      images: ["train2014", "val2014"].map((name) => {
        return {
          folder: name,
          archive: { url: `${server.origin}/${name}.zip`, sizeBytes: null, sha256: [] },
          address: null,
        };
      }),
    });
    assert.equal((await pulled(files, { official })).fetchedImages, 2);
    for (const { name, bytes } of files) assert.ok(readFileSync(join(folder, name)).equals(bytes), name);
  });

  it("counts each byte of a whole archive once", async () => {
    server = await startDataServer({ "images.zip": archive });
    const counted = { received: 0, checked: 0 };
    await pulled(images, {
      onEvent: (event) => {
        if (event.kind === "received" || event.kind === "checked") counted[event.kind] += event.bytes;
      },
    });
    assert.deepEqual(counted, { received: archive.length, checked: archive.length });
  });

  it("stops where the archive becomes another while it is read, and mixes nothing", async () => {
    const other = zipBytes(images.map(({ name, bytes }) => ({ name, bytes: Buffer.from(bytes).reverse() })));
    server = await startDataServer({ "images.zip": archive }, (_, count) =>
      count > 8 ? { kind: "changed", bytes: other } : null,
    );
    const wanted = images.filter((_, index) => index % 8 === 0);
    await assert.rejects(pulled(wanted), (error) => {
      assert.ok(error instanceof PullIncompleteError);
      assert.match(
        error.message,
        /images\.zip: has become another file while it was read\. What is here is whole; give the same command again\.$/,
      );
      return true;
    });
    for (const name of readdirSync(join(folder, "all"))) {
      const { bytes } = images.find((image) => image.name === `all/${name}`)!;
      assert.ok(readFileSync(join(folder, "all", name)).equals(bytes), name);
    }
    await server.close();
    server = await startDataServer({ "images.zip": other });
    assert.equal((await pulled(wanted, { official: officialSplit() })).images, wanted.length);
  });

  for (const isWhole of [false, true]) {
    it(`takes annotations ${isWhole ? "with the whole archive from a server that gives no ranges" : "by ranges"}`, async () => {
      const misbehaviour = isWhole ? ({ kind: "whole" } as const) : null;
      server = await startDataServer({ "questions.zip": annotations, "images.zip": archive }, () => misbehaviour);
      const from = { url: `${server.origin}/questions.zip`, sizeBytes: null, sha256: [] };
      const messages: string[] = [];
      await pulled(images.slice(0, 3), {
        official: officialSplit({ annotations: [{ fileName: "questions.json", from }] }),
        onEvent: (event) => {
          if (event.kind === "message") messages.push(event.text);
        },
      });
      assert.deepEqual(readFileSync(join(folder, "questions.json")), text);
      assertHere(images.slice(0, 3));
      const { host } = new URL(server.origin);
      const said = ["questions.zip", "images.zip"].map(
        (name) => `${name}: ${host} gives no parts of it; the whole archive is fetched`,
      );
      assert.deepEqual(messages, isWhole ? said : []);
    });
  }

  for (const [what, isPlain] of [
    ["annotations, by the size that is published,", true],
    ["an archive of annotations, by the size that the server says,", false],
  ] as const) {
    it(`refuses ${what} that the disk has no room for`, async () => {
      const misbehaviour = { kind: "lie", by: 4e15 } as const;
      server = await startDataServer({ "questions.zip": annotations }, () => misbehaviour);
      const from = {
        url: `${server.origin}/questions.zip`,
        sizeBytes: isPlain ? 4e15 : null,
        sha256: isPlain ? [] : ["0".repeat(64)],
      };
      const official = officialSplit({ annotations: [{ fileName: "questions.json", from, isPlain }] });
      await assert.rejects(pulled(images, { official }), (error) => {
        assert.ok(error instanceof PullError);
        assert.match(
          error.message,
          /^what is to be fetched: needs 400\d{4}\.\d GB, and \S+ has room for \S+ GB\. Make room, or give another folder with --output, or ask for less with --limit\.$/,
        );
        return true;
      });
      assert.equal(server.requests.length, isPlain ? 0 : 1, "its size alone is asked for");
    });
  }
});

describe("pull of a data set, as a process", () => {
  it("killed twice at random moments, ends in the same bytes", async () => {
    server = await startDataServer(officialArchives(), () => ({ kind: "slow", bytesPerMs: 2000 }));
    const words = ["pull", "vqav2", "--split", "val", "--accept-terms", "--limit", "400", "--output", "data", "-q"];
    const start = (): ReturnType<typeof startProcess> =>
      startProcess(folder, { command: officialCommand, words, env: { OFFICIAL_DATA: server.origin } });
    for (let kill = 0; kill < 2; kill += 1) {
      const child = start();
      const closed = once(child, "close");
      await Promise.race([closed, setTimeout(700 + Math.random() * 1500)]);
      child.kill("SIGKILL");
      await closed;
    }
    const resumed = await endOf(start());
    assert.equal(resumed.code, 0, resumed.err);
    const found = contentsOf(folder);
    folder = temporaryFolder();
    assert.equal((await endOf(start())).code, 0);
    assert.deepEqual(found, contentsOf(folder));
  });

  function contentsOf(root: string): ReadonlyMap<string, Buffer> {
    const entries = readdirSync(join(root, "data"), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return new Map(files.sort().map((path) => [path.slice(root.length), readFileSync(path)]));
  }
});
