/** A checkpoint from a stand-in hub into the cache: what is fetched, where it goes, and what is done about faults on the way. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { PullError, PullIncompleteError } from "../../../harness/pull/network/pull-error.ts";
import { bundledFiles, filesOf, manyBytes, pullFrom } from "../../support/hub/pulling.ts";
import { startHub } from "../../support/hub/stand-in-hub.ts";
import type { HubOptions, StandInHub, StandInRepository } from "../../support/hub/stand-in-hub.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const hubs: StandInHub[] = [];
const started = async (
  repositories: Readonly<Record<string, StandInRepository>>,
  options: HubOptions = {},
): Promise<StandInHub> => {
  const hub = await startHub(repositories, options);
  hubs.push(hub);
  return hub;
};

const small = bundledFiles("shapes-opt-small");
/** Two pieces and a part of a third. */
const large = { "config.json": Buffer.from("{}"), "model.safetensors": manyBytes(40_000_001) };

function blobsOf(cacheFolder: string, repository: string): readonly string[] {
  return readdirSync(join(cacheFolder, `models--${repository.replace("/", "--")}`, "blobs"));
}

async function refusal(action: Promise<unknown>, kind: typeof PullError | typeof PullIncompleteError): Promise<string> {
  try {
    await action;
  } catch (error) {
    assert.ok(error instanceof kind, String(error));
    return error.message;
  }
  return assert.fail("nothing was refused");
}

describe("a checkpoint that is pulled", () => {
  let cacheFolder = "";
  beforeEach(() => {
    cacheFolder = temporaryFolder();
  });
  afterEach(async () => {
    for (const hub of hubs.splice(0)) await hub.close();
  });

  it("lies in the cache as huggingface_hub lays it out, and loads", async () => {
    const extra = {
      "README.md": Buffer.from("card"),
      "pytorch_model.bin": manyBytes(10),
      "onnx/model.onnx": manyBytes(9),
    };
    const hub = await started({ "org/name": { files: { ...small, ...extra } } }, { pageSize: 3 });
    const { checkpoint, plans } = await pullFrom(hub, "org/name", { cacheFolder });
    const commit = hub.commitOf("org/name");
    const repository = join(cacheFolder, "models--org--name");
    assert.equal(readFileSync(join(repository, "refs", "main"), "utf8"), commit);
    assert.deepEqual(filesOf(join(repository, "snapshots", commit)), small, "neither pickles nor the card");
    assert.equal(checkpoint.folder, join(repository, "snapshots", commit));
    const link = readlinkSync(join(checkpoint.folder, "model.safetensors"));
    const sha256 = createHash("sha256").update(small["model.safetensors"]!).digest("hex");
    assert.equal(link, join("..", "..", "blobs", sha256));
    const git = createHash("sha1").update(`blob ${small["config.json"]!.length}\0`).update(small["config.json"]!);
    assert.equal(readlinkSync(join(checkpoint.folder, "config.json")), join("..", "..", "blobs", git.digest("hex")));
    const tree = JSON.parse(readFileSync(join(repository, "trees", `${commit}.json`), "utf8")) as {
      files: Record<string, unknown>;
    };
    assert.deepEqual(Object.keys(tree.files).sort(), [...Object.keys(small), ...Object.keys(extra)].sort());
    const totalBytes = Object.values(small).reduce((sum, { length }) => sum + length, 0);
    const count = Object.keys(small).length;
    assert.deepEqual(plans, [{ name: "org/name", commit, files: count, totalBytes, missingBytes: totalBytes }]);
    const opened = await openCheckpoint("org/name", { hubCache: cacheFolder, cacheFolder: temporaryFolder() });
    assert.equal(opened.revision, commit);
    assert.equal(hub.requests.filter(({ part }) => part === "tree").length, 4, "pages");
  });

  it("is not fetched again", async () => {
    const hub = await started({ "org/name": { files: small, refs: ["v1"] } });
    await pullFrom(hub, "org/name", { cacheFolder });
    const before = hub.requests.length;
    const { checkpoint } = await pullFrom(hub, "org/name@v1", { cacheFolder });
    assert.ok(checkpoint.files.every(({ wasHere }) => wasHere));
    assert.equal(hub.requests.length, before + 1, "only the revision is asked for");
    const byCommit = await pullFrom(hub, `org/name@${checkpoint.commit}`, { cacheFolder, isOffline: true });
    assert.equal(byCommit.checkpoint.folder, checkpoint.folder);
    assert.deepEqual(readdirSync(join(cacheFolder, "models--org--name", "refs")).sort(), ["main", "v1"]);
  });

  it("goes to another host without the token", async () => {
    const hub = await started({ "org/name": { files: small, token: "secret" } });
    await pullFrom(hub, "org/name", { cacheFolder, token: "secret" });
    const sent = (isContent: boolean): readonly (string | null)[] =>
      hub.requests.filter(({ part }) => (part === "content") === isContent).map(({ authorization }) => authorization);
    assert.ok(sent(true).length > 0);
    assert.ok(sent(true).every((each) => each === null));
    assert.ok(sent(false).every((each) => each === "Bearer secret"));
  });

  const reached = "org/name";
  const faults: readonly (readonly [string, HubOptions])[] = [
    ["busy servers", { misbehave: ({ count }) => (count <= 2 ? { kind: "answer", status: 503 } : null) }],
    [
      "a server that asks to wait",
      {
        misbehave: ({ part, count }) =>
          part === "revision" && count === 1
            ? { kind: "answer", status: 429, headers: { "retry-after": new Date(Date.now() - 5000).toUTCString() } }
            : null,
      },
    ],
    ["bodies that are cut", { misbehave: ({ count }) => (count <= 4 ? { kind: "cut", afterBytes: 3_000_000 } : null) }],
    [
      "connections that get stuck",
      { misbehave: ({ count }) => (count === 2 ? { kind: "stuck", afterBytes: 500_000 } : null) },
    ],
    [
      "servers that never answer",
      { misbehave: ({ count }) => (count === 1 ? { kind: "stuck", afterBytes: 0 } : null) },
    ],
    ["a Content-Length that lies", { misbehave: ({ count }) => (count <= 2 ? { kind: "lie", by: 1000 } : null) }],
    [
      "other bytes than were asked for",
      { misbehave: ({ part, count }) => (part === "content" && count === 1 ? { kind: "other range", by: 1 } : null) },
    ],
    ["signed addresses that expire", { usesOfAddress: 1 }],
  ];
  for (const [what, options] of faults) {
    it(`comes whole in spite of ${what}`, async () => {
      const hub = await started({ [reached]: { files: large } }, options);
      const { checkpoint } = await pullFrom(hub, reached, { cacheFolder });
      assert.deepEqual(filesOf(checkpoint.folder), large);
      assert.equal(blobsOf(cacheFolder, reached).length, 2, "nothing is left over");
    });
  }

  it("says once what all pieces of a file meet", async () => {
    const misbehave: HubOptions["misbehave"] = ({ part, count }) =>
      part === "content" && count <= 3 ? { kind: "answer", status: 503 } : null;
    const hub = await started({ [reached]: { files: large } }, { misbehave });
    const { events } = await pullFrom(hub, reached, { cacheFolder });
    const said = events.flatMap((event) => (event.kind === "message" ? [event.text] : []));
    assert.deepEqual(said, [`model.safetensors: ${hub.contentHost}: answered 503; again in 1 s`]);
  });

  it("comes from a server that knows no ranges", async () => {
    const misbehave: HubOptions["misbehave"] = ({ part, count }) =>
      part !== "content" ? null : count === 2 ? { kind: "cut", afterBytes: 20_000_000 } : { kind: "whole" };
    const hub = await started({ [reached]: { files: large } }, { misbehave });
    const { checkpoint } = await pullFrom(hub, reached, { cacheFolder });
    assert.deepEqual(filesOf(checkpoint.folder), large);
  });

  for (const [what, at] of [
    ["config.json", 1],
    ["model.safetensors", 20_000_000],
  ] as const) {
    it(`has no file with a flipped byte: ${what}`, async () => {
      const misbehave: HubOptions["misbehave"] = ({ path }) => (path === what ? { kind: "flip", at } : null);
      const hub = await started({ [reached]: { files: large } }, { misbehave });
      const message = await refusal(pullFrom(hub, reached, { cacheFolder }), PullError);
      assert.match(
        message,
        new RegExp(`^${what}: its (sha256|git-sha1) is \\w+, expected \\w+\\. Nothing is kept of it\\.$`),
      );
      const digests = Object.values(large).flatMap((bytes) => [
        createHash("sha256").update(bytes).digest("hex"),
        createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex"),
      ]);
      const good = what === "config.json" ? digests[2] : digests[1];
      assert.ok(
        blobsOf(cacheFolder, reached).every((name) => name === good || name.includes(".blip2-bench.incomplete")),
      );
      assert.ok(!existsSync(join(cacheFolder, "models--org--name", "refs")));
    });
  }

  it("whose file is another by now on the server is refused", async () => {
    const bytes = manyBytes(30_000_000);
    const misbehave: HubOptions["misbehave"] = ({ part }) => (part === "content" ? { kind: "changed", bytes } : null);
    const hub = await started({ [reached]: { files: large } }, { misbehave });
    const message = await refusal(pullFrom(hub, reached, { cacheFolder }), PullError);
    assert.equal(message, "model.safetensors: has 30000000 bytes on the server, expected 40000001.");
  });

  it("whose kept part was damaged on this disk is fetched again", async () => {
    const hub = await started(
      { [reached]: { files: large } },
      { misbehave: ({ part, count }) => (part === "content" && count > 1 ? { kind: "answer", status: 503 } : null) },
    );
    await refusal(pullFrom(hub, reached, { cacheFolder }), PullIncompleteError);
    const blobs = join(cacheFolder, "models--org--name", "blobs");
    const partial = readdirSync(blobs).find((name) => name.endsWith(".incomplete"))!;
    const bytes = readFileSync(join(blobs, partial));
    bytes[77] = bytes[77]! ^ 1;
    writeFileSync(join(blobs, partial), bytes);
    const healed = await started({ [reached]: { files: large } });
    const { checkpoint, events } = await pullFrom(healed, reached, { cacheFolder });
    assert.deepEqual(filesOf(checkpoint.folder), large);
    assert.ok(events.some((event) => event.kind === "message" && /what was kept of it is damaged/.test(event.text)));
  });

  it("gives up where nothing new comes, keeps what has come, and goes on there", async () => {
    const hub = await started(
      { [reached]: { files: large } },
      {
        misbehave: ({ part, count }) =>
          part === "content"
            ? count <= 3
              ? { kind: "cut", afterBytes: 5_000_000 }
              : { kind: "answer", status: 503 }
            : null,
      },
    );
    const message = await refusal(pullFrom(hub, reached, { cacheFolder }), PullIncompleteError);
    assert.equal(
      message,
      `model.safetensors: ${hub.contentHost}: answered 503, 5 times in a row. What has arrived is kept; the same command goes on from there.`,
    );
    const healed = await started({ [reached]: { files: large } });
    const { checkpoint, events } = await pullFrom(healed, reached, { cacheFolder });
    assert.deepEqual(filesOf(checkpoint.folder), large);
    const sum = (kind: "resumed" | "received"): number =>
      events.reduce(
        (total, event) => (event.kind === kind && event.file === "model.safetensors" ? total + event.bytes : total),
        0,
      );
    assert.ok(sum("resumed") >= 15_000_000);
    assert.equal(sum("resumed") + sum("received"), 40_000_001, "no byte twice");
  });

  it("is refused in the hub's words, with what to do", async () => {
    const gated = "Access to model org/gated is restricted and you are not in the authorized list";
    const hub = await started({ "org/gated": { files: small, gated }, "org/name": { files: small } });
    const { endpoint } = hub;
    const of = (name: string, token: string | null = null): Promise<string> =>
      refusal(pullFrom(hub, name, { cacheFolder, token }), PullError);
    const noToken = "Set HF_TOKEN to a token that may read it, or log in with huggingface_hub.";
    assert.equal(
      await of("org/none"),
      `org/none: no such repository at ${endpoint}, or it is private. The hub says: Repository not found. Is the name right? ${noToken}`,
    );
    assert.equal(
      await of("org/gated"),
      `org/gated: it is not open to everybody. The hub says: ${gated}. Ask for access at ${endpoint}/org/gated. ${noToken}`,
    );
    assert.match(await of("org/gated", "right"), /Ask for access at .*\/org\/gated\. The token is that of HF_TOKEN\.$/);
    assert.equal(
      await of("org/name", "wrong"),
      "org/name: the token is refused. The hub says: Invalid credentials in Authorization header. " +
        "The token is that of HF_TOKEN. Renew it, or unset it for what is public.",
    );
    assert.equal(
      await of("org/name@v9"),
      `org/name: no revision v9 at ${endpoint}. Branches, tags and commits: ${endpoint}/org/name/commits`,
    );
  });

  it("is refused where its weights are pickles alone, or where there are none", async () => {
    const pickles = { "config.json": small["config.json"]!, "pytorch_model.bin": manyBytes(9) };
    const hub = await started({ "org/name": { files: pickles }, "org/none": { files: { "a.txt": manyBytes(3) } } });
    const of = (name: string): Promise<string> => refusal(pullFrom(hub, name, { cacheFolder }), PullError);
    assert.match(
      await of("org/name"),
      /^org\/name: no weights as safetensors .*, found only pytorch_model\.bin\. Load/,
    );
    assert.match(await of("org/none"), /, found none\. Load/);
    assert.ok(
      hub.requests.every(({ part }) => part !== "resolve"),
      "before a byte is fetched",
    );
  });
});
