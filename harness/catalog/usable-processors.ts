/**
 * How many processors this process may use: those it is bound to (taskset, cpusets), and no more than the quota of its control
 * groups pays for, as containers and CI have it. Node 20 knows the first only.
 *
 *   cgroup v2   cpu.max: "150000 100000", microseconds of computing in each period of so many; "max": no quota
 *   cgroup v1   cpu.cfs_quota_us and cpu.cfs_period_us, each a number; -1: no quota
 *
 * Source: the kernel's admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst; proc(5) for cgroup and mountinfo.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, posix } from "node:path";

/** At least 1; a quota of two and a half is two. `root`: where the system tells of itself; tests have another. */
export function usableProcessors(root = "/"): number {
  return Math.max(1, Math.floor(Math.min(availableParallelism(), processorQuota(root))));
}

/** The smallest quota of this process's control groups and those around them, in processors; infinite where there is none. */
export function processorQuota(root = "/"): number {
  const groups = readText(join(root, "proc/self/cgroup"));
  const mounts = readText(join(root, "proc/self/mountinfo"));
  if (groups === null || mounts === null) return Number.POSITIVE_INFINITY; // not Linux
  const quotas = parseMounts(mounts).flatMap((mount) => {
    const path = groupPath(groups, mount);
    if (path === null) return [];
    return foldersUpTo(path, mount).map((folder) => quotaIn(join(root, folder), mount.isUnified));
  });
  return Math.min(...quotas, Number.POSITIVE_INFINITY);
}

/** Where the control groups that limit processors are mounted. */
interface GroupMount {
  /** cgroup v2. */
  readonly isUnified: boolean;
  /** The group that is seen at `point`. */
  readonly group: string;
  readonly point: string;
}

/** `31 23 0:26 /group /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw`: group, point, and kind and options behind " - ". */
function parseMounts(mountinfo: string): readonly GroupMount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , group, point] = before.split(" ");
    const [kind, , options = ""] = after.split(" ");
    if (group === undefined || point === undefined) return [];
    const isUnified = kind === "cgroup2";
    if (!isUnified && !(kind === "cgroup" && options.split(",").includes("cpu"))) return [];
    return [{ isUnified, group: unescaped(group), point: unescaped(point) }];
  });
}

/** Spaces and other separators in paths are written as \040 and the like. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** This process's group in that hierarchy; `0::/a/b` is cgroup v2's line, `4:cpu,cpuacct:/a/b` one of v1. */
function groupPath(groups: string, { isUnified }: GroupMount): string | null {
  for (const line of groups.split("\n")) {
    const [number, controllers = "", ...path] = line.split(":");
    const isOfMount = isUnified ? number === "0" && controllers === "" : controllers.split(",").includes("cpu");
    if (isOfMount) return path.join(":");
  }
  return null;
}

/** The group's folder and those of the groups around it, as far as they are mounted. */
function foldersUpTo(path: string, { group, point }: GroupMount): readonly string[] {
  const inside = posix.relative(group, path);
  // A container may see its own group at the mount's top while the path is the host's.
  const names = inside === "" || inside.startsWith("..") ? [] : inside.split("/");
  return [point, ...names.map((_, index) => posix.join(point, ...names.slice(0, index + 1)))];
}

/** Infinite where the folder says nothing of it. */
function quotaIn(folder: string, isUnified: boolean): number {
  const texts = isUnified
    ? (readText(join(folder, "cpu.max"))?.trim().split(" ") ?? [])
    : [readText(join(folder, "cpu.cfs_quota_us")), readText(join(folder, "cpu.cfs_period_us"))];
  const [quota, period] = texts.map(Number);
  const isLimit = quota !== undefined && period !== undefined && quota > 0 && period > 0; // "max" is NaN
  return isLimit ? quota / period : Number.POSITIVE_INFINITY;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // this system does not tell it
  }
}
