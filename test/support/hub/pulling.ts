/** Pulling from a stand-in hub, in this process and as the command. */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { HubSettings } from "../../../harness/pull/hub/hub.ts";
import { checkpointFiles } from "../../../harness/pull/hub/checkpoint-files.ts";
import { mirrorFiles } from "../../../harness/pull/hub/mirror-files.ts";
import { pullRepository } from "../../../harness/pull/hub/pull-repository.ts";
import type { PulledRepository, PullPlan } from "../../../harness/pull/hub/pull-repository.ts";
import { openNetwork } from "../../../harness/pull/network/network.ts";
import type { NetworkEvent, NetworkSettings } from "../../../harness/pull/network/network.ts";
import { bundledModels, catalog } from "../../../harness/catalog/catalog.ts";
import { main } from "../../../harness/cli/command.ts";
import { parseHubName, parseMirrorName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { environment, realCommand, startProcess } from "../command-process.ts";
import type { Ended } from "../command-process.ts";
import type { StandInHub } from "./stand-in-hub.ts";

/** As quick to give up as a test wants. */
export const hastySettings: NetworkSettings = {
  proxies: { http: "", https: "", none: "" },
  credentials: null,
  userAgent: "test",
  connectMs: 2000,
  idleMs: 1000,
  tries: 5,
  firstWaitMs: 1,
};

export interface Pulled {
  readonly checkpoint: PulledRepository;
  readonly events: readonly NetworkEvent[];
  readonly plans: readonly PullPlan[];
}

export async function pullFrom(
  { endpoint }: Pick<StandInHub, "endpoint">,
  name: string,
  {
    cacheFolder,
    token = null,
    settings = hastySettings,
    signal = new AbortController().signal,
    isOffline = false,
    onEvent = () => undefined,
  }: {
    readonly cacheFolder: string;
    readonly token?: string | null;
    readonly settings?: NetworkSettings;
    readonly signal?: AbortSignal;
    readonly isOffline?: boolean;
    readonly onEvent?: (event: NetworkEvent) => void;
  },
): Promise<Pulled> {
  const credentials = token === null ? null : { origin: new URL(endpoint).origin, token };
  const hub: HubSettings = {
    endpoint,
    tokenSource: token === null ? null : "HF_TOKEN",
    cacheFolder,
    isOffline,
    network: { ...settings, credentials },
  };
  const events: NetworkEvent[] = [];
  const plans: PullPlan[] = [];
  const tell = (event: NetworkEvent): void => {
    events.push(event);
    onEvent(event);
  };
  const network = openNetwork(hub.network, { signal, tell });
  try {
    const onPlan = (plan: PullPlan): void => void plans.push(plan);
    const mirror = parseMirrorName(name);
    const asked =
      mirror === null
        ? { name: parseHubName(name)!, choice: checkpointFiles }
        : { name: mirror, choice: mirrorFiles(null) };
    return { checkpoint: await pullRepository(network, hub, { ...asked, onPlan }), events, plans };
  } finally {
    await network.close();
  }
}

/** The command in this process: nothing that blocks it, for the hub answers here. */
export async function call(folder: string, env: Readonly<Record<string, string>>, ...words: string[]): Promise<Ended> {
  let [out, err] = ["", ""];
  const code = await main(words, catalog, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: environment(folder, env),
  });
  return { code, out, err };
}

/** The command as a process, beside which this one can serve. */
export async function runBeside(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  return endOf(startProcess(folder, { command: realCommand, words, env }));
}

/** What a process says until it ends; it gets no input. */
export async function endOf(child: ReturnType<typeof startProcess>): Promise<Ended> {
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.end();
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** The files of a folder, by their names. */
export function filesOf(folder: string): Record<string, Buffer> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]));
}

export function bundledFiles(name: string): Record<string, Buffer> {
  return filesOf(join(bundledModels, name));
}

/** Bytes without a pattern that a mistake could keep: each depends on its place. */
export function manyBytes(sizeBytes: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  let state = seed;
  for (let at = 0; at < words.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes' generator
    words[at] = state ^ at;
  }
  return Buffer.from(words.buffer, 0, sizeBytes);
}
