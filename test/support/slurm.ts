/** A Slurm of one node in a temporary folder, with free ports; for root, without systemd. Slurm 22.05 and later. */
import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { endsWithTest } from "./child-processes.ts";
import { hangMs } from "./project.ts";

const programs = ["munged", "slurmctld", "slurmd", "sbatch", "scancel", "squeue", "scontrol"];

/** Why Slurm cannot be started here; null: it can. */
export function whyNoSlurm(): string | null {
  if (process.getuid?.() !== 0) return "slurmd starts jobs as root only";
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = programs.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  return missing.length === 0 ? null : `not installed: ${missing.join(", ")}`;
}

export interface Slurm {
  /** Runs a client program of Slurm in a folder; gives what it prints. Throws where it ends with an error. */
  call(cwd: string, words: readonly string[], env?: Readonly<Record<string, string>>): string;
  /** Comes back when no task of the job is waiting or running. */
  ended(job: string): Promise<void>;
  stop(): Promise<void>;
}

/** `folder`: empty, for all of its files. Its programs end with the test. */
export async function startSlurm(folder: string): Promise<Slurm> {
  for (const name of ["state", "spool", "log"]) mkdirSync(join(folder, name));
  const key = join(folder, "munge.key");
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  const socket = join(folder, "munge.sock");
  const conf = join(folder, "slurm.conf");
  const [controllerPort, nodePort] = await freePorts();
  writeFileSync(conf, configuration(folder, { socket, controllerPort, nodePort }));
  const env = { ...process.env, SLURM_CONF: conf };
  const started: ChildProcess[] = [];
  const start = (program: string, ...words: string[]): void => {
    const child = spawn(program, words, { env, stdio: "ignore" });
    endsWithTest(child);
    started.push(child);
  };
  const call: Slurm["call"] = (cwd, [program = "", ...words], more = {}) =>
    execFileSync(program, words, { cwd, env: { ...env, ...more }, encoding: "utf8", stdio: "pipe", timeout: hangMs });
  const files = ["pid", "log", "seed"].map((kind) => `--${kind}-file=${join(folder, `munged.${kind}`)}`);
  start("munged", "--foreground", "--force", `--key-file=${key}`, `--socket=${socket}`, ...files);
  await untilTrue(() => existsSync(socket), "munged has no socket");
  start("slurmctld", "-D", "-c", "-f", conf);
  start("slurmd", "-D", "-f", conf);
  const nodeState = (): string => {
    try {
      return call(folder, ["sinfo", "--noheader", "--format=%T"]).trim();
    } catch {
      return "unknown"; // slurmctld does not listen yet
    }
  };
  await untilTrue(() => nodeState() === "idle", "Slurm's node is not idle");
  return {
    call,
    ended: (job) =>
      untilTrue(() => {
        // %F: of a task, its array; squeue without --states lists what waits, runs or is completing
        const jobs = call(folder, ["squeue", "--noheader", "--format=%F"]).split("\n");
        return !jobs.some((id) => id.trim() === job);
      }, `job ${job} has not ended`),
    stop: async () => {
      for (const child of started.toReversed()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const exit = once(child, "exit");
        child.kill("SIGTERM");
        const late = new AbortController();
        void setTimeout(hangMs / 4, undefined, { signal: late.signal }).then(
          () => child.kill("SIGKILL"),
          () => undefined,
        );
        await exit;
        late.abort();
      }
    },
  };
}

/** Comes back when it is so; fails when it takes as long as only what hangs does. */
async function untilTrue(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + hangMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what} after ${hangMs} ms`);
    await setTimeout(100);
  }
}

async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()] as const;
  for (const server of servers) await once(server.listen(0), "listening");
  const [first, second] = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) await once(server.close(), "close");
  return [first!, second!];
}

/** As slurm.conf(5) has the settings, each on a line. */
function configuration(
  folder: string,
  { socket, controllerPort, nodePort }: { socket: string; controllerPort: number; nodePort: number },
): string {
  const [host] = hostname().split(".");
  return [
    "ClusterName=test",
    `SlurmctldHost=${host!}`,
    "SlurmUser=root",
    "AuthType=auth/munge",
    `AuthInfo=socket=${socket}`,
    "CryptoType=crypto/munge",
    `SlurmctldPort=${controllerPort}`,
    `SlurmdPort=${nodePort}`,
    "MailProg=/bin/true",
    `StateSaveLocation=${join(folder, "state")}`,
    `SlurmdSpoolDir=${join(folder, "spool")}`,
    "ReturnToService=2",
    `SlurmctldPidFile=${join(folder, "slurmctld.pid")}`,
    `SlurmdPidFile=${join(folder, "slurmd.pid")}`,
    `SlurmctldLogFile=${join(folder, "log", "slurmctld.log")}`,
    `SlurmdLogFile=${join(folder, "log", "slurmd.log")}`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "JobAcctGatherType=jobacct_gather/none",
    "AccountingStorageType=accounting_storage/none",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_Core",
    "KillWait=5",
    "SchedulerParameters=sched_min_interval=0,sched_interval=1,batch_sched_delay=0",
    "JobRequeue=1",
    "SlurmdParameters=config_overrides", // CPUs and memory as below, whatever the machine has
    `NodeName=${host!} CPUs=2 RealMemory=2000 State=UNKNOWN`,
    `PartitionName=main Nodes=${host!} Default=YES MaxTime=INFINITE State=UP`,
    "",
  ].join("\n");
}
