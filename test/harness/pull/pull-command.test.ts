/** `blip2-bench pull` as a process, beside a stand-in hub: killed, stopped, two at once; and the commands around it. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { environment, realCommand, startProcess, until } from "../../support/command-process.ts";
import {
  bundledFiles,
  call,
  filesOf,
  hastySettings,
  manyBytes,
  pullFrom,
  runBeside,
} from "../../support/hub/pulling.ts";
import { startHub } from "../../support/hub/stand-in-hub.ts";
import type { HubOptions, StandInHub, StandInRepository } from "../../support/hub/stand-in-hub.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const name = "Salesforce/blip2-opt-2.7b";
const large = { "config.json": Buffer.from("{}"), "model.safetensors": manyBytes(40_000_001) };
/** So slow that a process is seen before it ends. */
const slowly: HubOptions["misbehave"] = ({ part }) => (part === "content" ? { kind: "slow", bytesPerMs: 8000 } : null);
/** More of them by hand. */
const kills = Number(process.env["BLIP2_BENCH_PULL_KILLS"] ?? 12);

describe("pull, as a command", () => {
  let folder = "";
  let hub: StandInHub | null = null;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await hub?.close();
    hub = null;
  });
  const start = async (
    repositories: Readonly<Record<string, StandInRepository>>,
    options: HubOptions = {},
  ): Promise<Record<string, string>> => {
    hub = await startHub(repositories, options);
    return { HF_ENDPOINT: hub.endpoint };
  };
  const blobs = (): readonly string[] =>
    readdirSync(join(folder, "hub", "hub", `models--${name.replace("/", "--")}`, "blobs"));
  const snapshot = (): Record<string, Buffer> =>
    filesOf(join(folder, "hub", "hub", `models--${name.replace("/", "--")}`, "snapshots", hub!.commitOf(name)));

  it(`killed ${kills} times at random moments, ends in the bytes of the hub`, async () => {
    const env = await start({ [name]: { files: large } }, { misbehave: slowly });
    let whole = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const child = startProcess(folder, { command: realCommand, words: ["pull", name, "-q"], env });
      const closed = once(child, "close");
      await Promise.race([closed, setTimeout(Math.random() * 2500)]);
      child.kill("SIGKILL");
      await closed;
      if (child.exitCode === null) continue;
      assert.equal(child.exitCode, 0);
      assert.deepEqual(snapshot(), large);
      whole += 1;
      folder = temporaryFolder();
    }
    const { code, err } = await runBeside(folder, ["pull", name], env);
    assert.equal(code, 0, err);
    assert.deepEqual(snapshot(), large);
    assert.equal(blobs().length, 2, `nothing is left over; ${whole} ended before they were killed`);
  });

  it("stopped by Ctrl-C ends with 130, keeps what has come, and goes on there", async () => {
    const env = await start({ [name]: { files: large } }, { misbehave: slowly });
    const child = startProcess(folder, { command: realCommand, words: ["pull", name], env });
    let err = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    await until(() => hub!.requests.some(({ part }) => part === "content"), child);
    await setTimeout(300);
    child.kill("SIGINT");
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130, err);
    assert.match(err, /Interrupted: what has come is kept\. The same command goes on from there\.\n$/);
    const listed = await call(folder, env, "cache", "ls");
    assert.match(listed.out, /Salesforce\/blip2-opt-2\.7b +\S+ [kM]B +not whole yet/);
    const again = await runBeside(folder, ["pull", name], env);
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(snapshot(), large);
  });

  it("twice at once fetches once, and both end well", async function () {
    if (spawnSync("flock", ["--version"]).status !== 0) this.skip(); // no flock of util-linux: both fetch
    const env = await start({ [name]: { files: large } }, { misbehave: slowly });
    const both = await Promise.all([1, 2].map(() => runBeside(folder, ["pull", name], env)));
    for (const { code, err } of both) assert.equal(code, 0, err);
    assert.ok(both.some(({ err }) => err.includes("another process fetches it; waiting for that")));
    assert.deepEqual(snapshot(), large);
    assert.equal(hub!.requests.filter(({ part }) => part === "content").length, 3, "one for each piece");
  });

  it("as run --pull: from an empty cache to a number; the plain run names the command", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-base") } });
    const words = ["run", "--model", name, "--tasks", "vqav2", "--limit", "8", "--output", "runs/a", "--no-report"];
    const without = await call(folder, env, ...words);
    assert.equal(without.code, 2);
    assert.match(
      without.err,
      /not in the Hugging Face cache; .* Get it with: npx blip2-bench pull Salesforce\/blip2-opt-2\.7b\n$/,
    );
    assert.equal(hub!.requests.length, 0, "nothing is asked without --pull");
    const { code, out, err } = await runBeside(folder, [...words, "--pull"], env);
    assert.equal(code, 0, err);
    assert.match(out, /vqav2/);
    const { requests } = hub!;
    const asked = requests.length;
    assert.equal((await runBeside(folder, [...words, "--overwrite", "--pull"], env)).code, 0);
    assert.equal(requests.length, asked, "what is here is not asked for");
  });

  it("says what it did, as a table, a sentence or JSON", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-small"), refs: ["v1"] } });
    const commit = hub!.commitOf(name);
    const first = await call(folder, env, "pull", `${name}@v1`);
    assert.equal(first.code, 0, first.err);
    assert.match(
      first.out,
      new RegExp(`^${name}@v1 is ${commit}: 8 files fetched, 3\\.8 MB\n.*snapshots/${commit}\n$`),
    );
    const again = await call(folder, env, "pull", name, "--json");
    const { checkpoints } = JSON.parse(again.out) as { checkpoints: { commit: string }[] };
    assert.equal(checkpoints[0]!.commit, commit);
    assert.match(
      (await call(folder, env, "pull", "--list")).out,
      new RegExp(`${name} .* commit ${commit.slice(0, 8)}`),
    );
    const listed = await call(folder, env, "cache", "ls");
    assert.match(listed.out, new RegExp(`${name} +${commit} +main, v1 +\\S+ MB +whole`));
  });

  it("'s revisions are pruned by name, and their blobs with them", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-small") } });
    assert.equal((await call(folder, env, "pull", name)).code, 0);
    assert.equal((await call(folder, env, "cache", "prune", "--all")).code, 0);
    assert.equal(blobs().length, 8, "--all is about weights and features");
    const { code, out } = await call(folder, env, "cache", "prune", "--revision", `${name}@main`);
    assert.equal(code, 0);
    assert.match(out, /whole\nremoved: in /);
    assert.ok(readdirSync(join(folder, "hub", "hub")).every((each) => each === ".locks"));
    const gone = await call(folder, env, "cache", "prune", "--revision", name);
    assert.equal(gone.code, 2);
    assert.match(gone.err, /blip2-opt-2\.7b: not in the Hugging Face cache\. blip2-bench cache ls shows what is\./);
  });

  it("is verified by checksums in the cache, and what is damaged is named", async () => {
    const env = await start({ [name]: { files: large } });
    assert.equal((await call(folder, env, "pull", name)).code, 0);
    assert.equal((await call(folder, env, "cache", "verify")).code, 0);
    const path = join(folder, "hub", "hub", `models--${name.replace("/", "--")}`, "snapshots", hub!.commitOf(name));
    const bytes = readFileSync(join(path, "model.safetensors"));
    bytes[12_345_678]! ^= 1;
    writeFileSync(join(path, "model.safetensors"), bytes);
    const { code, err } = await call(folder, env, "cache", "verify");
    assert.equal(code, 2);
    assert.match(
      err,
      /^error: Salesforce\/blip2-opt-2\.7b: model\.safetensors: its sha256 is [0-9a-f]{64}, expected [0-9a-f]{64}\nRemove it with blip2-bench cache prune --revision, and pull it again\.\n$/m,
    );
  });

  it("is not pruned while it is fetched", async function () {
    if (spawnSync("flock", ["--version"]).status !== 0) this.skip(); // no flock of util-linux: nothing is locked
    const env = await start({ [name]: { files: large } }, { misbehave: slowly });
    const child = startProcess(folder, { command: realCommand, words: ["pull", name], env });
    const closed = once(child, "close");
    await until(() => hub!.requests.some(({ part }) => part === "content"), child);
    const pruned = await call(folder, env, "cache", "prune");
    assert.match(pruned.out, /\.blip2-bench\.incomplete: is being fetched, and stays\n$/);
    await closed;
    assert.equal(child.exitCode, 0);
    assert.deepEqual(snapshot(), large);
  });

  it("offline asks nobody: what is here is enough, what is not is said", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-small") } });
    const offline = { ...env, HF_HUB_OFFLINE: "1" };
    const before = await call(folder, offline, "pull", name);
    assert.equal(before.code, 2);
    assert.match(before.err, /: not, or not all of it, in .*, and HF_HUB_OFFLINE forbids to fetch it\. Unset it\./);
    assert.equal(hub!.requests.length, 0);
    assert.equal((await call(folder, env, "pull", name)).code, 0);
    const asked = hub!.requests.length;
    assert.match((await call(folder, offline, "pull", name)).out, /all was here/);
    assert.equal(hub!.requests.length, asked);
  });

  it("takes the token of the environment, or that of who is logged in", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-small"), token: "secret" } });
    const refused = await call(folder, env, "pull", name);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /or it is private.* Set HF_TOKEN to a token that may read it/);
    assert.equal((await call(folder, { ...env, HF_TOKEN: "secret" }, "pull", name)).code, 0);
    const home = temporaryFolder({ "hub/token": "secret\n" });
    assert.equal((await call(home, env, "pull", name)).code, 0);
    const disabled = { ...env, HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" };
    assert.equal((await call(temporaryFolder({ "hub/token": "secret" }), disabled, "pull", name)).code, 2);
  });

  for (const [words, env, message] of [
    [["pull"], {}, "pull: found no name, expected owner/name. blip2-bench pull --list shows what there is."],
    [
      ["pull", "blip2-opt-2.7b"],
      {},
      "pull blip2-opt-2.7b: expected owner/name or owner/name@revision. Did you mean Salesforce/blip2-opt-2.7b? blip2-bench pull --list shows what there is.",
    ],
    [
      ["pull", name],
      { HF_ENDPOINT: "hub" },
      'HF_ENDPOINT: found "hub", expected an address such as https://huggingface.co.',
    ],
    [
      ["pull", name],
      { HF_HUB_DOWNLOAD_TIMEOUT: "x" },
      'HF_HUB_DOWNLOAD_TIMEOUT: found "x", expected seconds, more than 0.',
    ],
    [["cache", "ls", "--revision", name], {}, "cache ls --revision: expected prune, which removes revisions."],
    [
      ["cache", "prune", "--revision", "x"],
      {},
      "--revision x: expected owner/name or owner/name@revision, with hf: before it for a mirror of data.",
    ],
  ] as const) {
    it(`refuses ${words.join(" ")} ${Object.keys(env).join("")}`, async () => {
      assert.deepEqual(await call(folder, env, ...words), { code: 2, out: "", err: `error: ${message}\n` });
    });
  }

  it("is what doctor asks the hub about when told to with --online, and not otherwise", async () => {
    const env = await start({ [name]: { files: bundledFiles("shapes-opt-small") } });
    const { endpoint } = hub!;
    const stateOf = async (more: Readonly<Record<string, string>>, ...words: string[]): Promise<unknown> => {
      const { out } = await call(folder, { ...env, ...more }, "doctor", "--json", ...words);
      return (JSON.parse(out) as { hub: unknown }).hub;
    };
    assert.equal(await stateOf({}), null);
    assert.deepEqual(await stateOf({}, "--online"), { endpoint, answers: true, words: "answers; there is no token" });
    assert.deepEqual(await stateOf({ HF_HUB_OFFLINE: "1" }, "--online"), {
      endpoint,
      answers: null,
      words: "not asked: HF_HUB_OFFLINE",
    });
    await hub!.close();
    hub = null;
    assert.deepEqual(await stateOf({}, "--online"), {
      endpoint,
      answers: false,
      words: `${new URL(endpoint).host}: nothing listens there`,
    });
  });

  it("goes through a proxy, but to the hosts that NO_PROXY names", async () => {
    await start({ [name]: { files: bundledFiles("shapes-opt-small") } });
    const tunnels: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket, head) => {
      tunnels.push(request.url ?? "");
      const [host = "", port = ""] = (request.url ?? "").split(":");
      const far = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        far.write(head);
        far.pipe(socket).pipe(far);
      });
      far.on("error", () => socket.destroy());
      socket.on("error", () => far.destroy());
    });
    await new Promise<void>((resolve) => {
      proxy.listen(0, "127.0.0.1", resolve);
    });
    const http = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      for (const [none, isProxied] of [
        ["", true],
        ["127.0.0.1", false],
      ] as const) {
        tunnels.length = 0;
        const settings = { ...hastySettings, proxies: { http, https: "", none } };
        await pullFrom(hub!, name, { cacheFolder: temporaryFolder(), settings });
        assert.equal(tunnels.length > 0, isProxied);
      }
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe("huggingface_hub", () => {
  let folder = "";
  let hub: StandInHub | null = null;
  before(function () {
    const { status } = spawnSync("python3", ["-c", "import huggingface_hub"]);
    if (status !== 0) this.skip(); // python3 has no huggingface_hub here
    folder = temporaryFolder();
  });
  afterEach(async () => {
    await hub?.close();
  });

  it("lists and loads, offline, what was pulled", async () => {
    hub = await startHub({ [name]: { files: bundledFiles("shapes-opt-base") } });
    const cacheFolder = join(folder, "ours");
    const { checkpoint } = await pullFrom(hub, name, { cacheFolder });
    const out = await runPython(
      folder,
      [
        "from huggingface_hub import scan_cache_dir, snapshot_download, hf_hub_download",
        "cache = scan_cache_dir()",
        "assert not cache.warnings, cache.warnings",
        "[repo] = cache.repos",
        "[revision] = repo.revisions",
        "print(repo.repo_id, revision.commit_hash, sorted(revision.refs), len(revision.files))",
        `print(snapshot_download("${name}"))`,
        `print(hf_hub_download("${name}", "config.json"))`,
      ].join("\n"),
      { HF_HUB_CACHE: cacheFolder, HF_HUB_OFFLINE: "1" },
    );
    assert.deepEqual(out.trim().split("\n"), [
      `${name} ${checkpoint.commit} ['main'] ${checkpoint.files.length}`,
      checkpoint.folder,
      join(checkpoint.folder, "config.json"),
    ]);
  });

  it("lists and loads, offline, a mirror that was pulled, and takes the rest of it from the hub", async () => {
    const data = "data/validation-00000-of-00001.parquet";
    const files = { "README.md": Buffer.from("a card"), [data]: manyBytes(3_000_000) };
    hub = await startHub({ "datasets/someone/VQAv2": { files } });
    const cacheFolder = join(folder, "mirrors");
    const { checkpoint } = await pullFrom(hub, "hf:someone/VQAv2", { cacheFolder });
    const asked = `"someone/VQAv2", repo_type="dataset"`;
    const offline = await runPython(
      folder,
      [
        "from huggingface_hub import scan_cache_dir, hf_hub_download",
        "cache = scan_cache_dir()",
        "assert not cache.warnings, cache.warnings",
        "[repo] = cache.repos",
        "print(repo.repo_type, repo.repo_id, [sorted(revision.refs) for revision in repo.revisions])",
        `print(hf_hub_download(${asked.replace(",", `, "${data}",`)}))`,
      ].join("\n"),
      { HF_HUB_CACHE: cacheFolder, HF_HUB_OFFLINE: "1" },
    );
    assert.deepEqual(offline.trim().split("\n"), ["dataset someone/VQAv2 [['main']]", join(checkpoint.folder, data)]);
    const env = { HF_HUB_CACHE: cacheFolder, HF_ENDPOINT: hub.endpoint, HF_HUB_DISABLE_XET: "1" };
    const contents = (): number => hub!.requests.filter(({ part }) => part === "content").length;
    const before = contents();
    await runPython(folder, `from huggingface_hub import snapshot_download; snapshot_download(${asked})`, env);
    assert.equal(contents(), before, "the parquet file is not fetched again");
    assert.deepEqual(readFileSync(join(checkpoint.folder, "README.md")), files["README.md"]);
  });

  it("fetches what is loaded here, offline, and nothing is fetched again", async () => {
    hub = await startHub({ [name]: { files: bundledFiles("shapes-opt-small") } });
    const cacheFolder = join(folder, "theirs");
    const env = { HF_HUB_CACHE: cacheFolder, HF_ENDPOINT: hub.endpoint, HF_HUB_DISABLE_XET: "1" };
    await runPython(folder, `from huggingface_hub import snapshot_download; snapshot_download("${name}")`, env);
    const { checkpoint } = await pullFrom(hub, name, { cacheFolder, isOffline: true });
    assert.deepEqual(filesOf(checkpoint.folder), bundledFiles("shapes-opt-small"));
    const again = await pullFrom(hub, name, { cacheFolder });
    assert.ok(again.checkpoint.files.every(({ wasHere }) => wasHere));
  });
});

async function runPython(folder: string, code: string, env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn("python3", ["-c", code], { cwd: folder, env: environment(folder, env) });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [status] = (await once(child, "close")) as [number | null];
  assert.equal(status, 0, err);
  return out;
}
