/** The processors a process may use: what it is bound to, and what its control groups' quotas pay for. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { processorQuota, usableProcessors } from "../../../harness/catalog/usable-processors.ts";
import { firstProcessor, isTasksetThere } from "../../support/one-processor.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { projectUrl } from "../../support/project.ts";

type Files = Readonly<Record<string, string>>;

const unified = "23 1 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
const old =
  "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
  "33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n";

/** A system with these mounts and groups, and these files below /sys/fs/cgroup. */
function system(mounts: string, groups: string, limits: Files): string {
  const below = Object.entries(limits).map(([name, text]) => [`sys/fs/cgroup/${name}`, text]);
  return temporaryFolder({
    "proc/self/mountinfo": `22 1 8:1 / / rw - ext4 /dev/root rw\n${mounts}`,
    "proc/self/cgroup": groups,
    ...(Object.fromEntries(below) as Files),
  });
}

describe("the quota of processors", () => {
  const cases: Readonly<Record<string, readonly [string, number]>> = {
    "cgroup v2, in a container that sees its own group at the top": [
      system(unified, "0::/\n", { "cpu.max": "150000 100000\n" }),
      1.5,
    ],
    "cgroup v2, in a group of the host": [
      system(unified, "0::/ci.slice/job\n", { "ci.slice/job/cpu.max": "200000 50000\n" }),
      4,
    ],
    "cgroup v2, the smallest of a group and those around it": [
      system(unified, "0::/ci.slice/job\n", {
        "ci.slice/cpu.max": "100000 100000\n",
        "ci.slice/job/cpu.max": "max 100000\n",
      }),
      1,
    ],
    "cgroup v2, a quota that is none": [system(unified, "0::/\n", { "cpu.max": "max 100000\n" }), Infinity],
    "cgroup v2, a group's path with a colon, at a mount's with a space": [
      temporaryFolder({
        "proc/self/mountinfo": "23 1 0:26 / /my\\040groups rw - cgroup2 cgroup2 rw\n",
        "proc/self/cgroup": "0::/a:b\n",
        "my groups/a:b/cpu.max": "300000 100000\n",
      }),
      3,
    ],
    "cgroup v1": [
      system(old, "4:cpu,cpuacct:/job\n3:cpuset:/\n", {
        "cpu,cpuacct/job/cpu.cfs_quota_us": "250000\n",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
      }),
      2.5,
    ],
    "cgroup v1, without a quota": [
      system(old, "4:cpu,cpuacct:/\n", {
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      }),
      Infinity,
    ],
    "cgroup v1, in a container that sees its own group by the host's path": [
      system(old.replace("0:29 /", "0:29 /docker/4f"), "4:cpu,cpuacct:/docker/4f\n", {
        "cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
      }),
      0.5,
    ],
    "both versions side by side, the smaller": [
      system(old + unified.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"), "4:cpu,cpuacct:/\n0::/\n", {
        "cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "unified/cpu.max": "700000 100000\n",
      }),
      2,
    ],
    "a system that tells nothing": [temporaryFolder(), Infinity],
    "files that hold something else": [system(unified, "0::/\n", { "cpu.max": "" }), Infinity],
  };
  for (const [what, [root, quota]] of Object.entries(cases)) {
    it(`is read: ${what}`, () => {
      assert.equal(processorQuota(root), quota);
    });
  }

  it("leaves whole processors to use, at least one, and never more than there are", () => {
    const withQuota = (quota: string): number => usableProcessors(system(unified, "0::/\n", { "cpu.max": quota }));
    assert.equal(withQuota("190000 100000"), 1);
    assert.equal(withQuota("20000 100000"), 1);
    assert.equal(withQuota("999900000 100000"), availableParallelism());
    assert.equal(withQuota("max 100000"), availableParallelism());
  });

  it("is one where the process is bound to one, skipped where taskset is missing", function () {
    if (!isTasksetThere()) this.skip();
    const module = JSON.stringify(new URL("dist/harness/catalog/usable-processors.js", projectUrl));
    const program = `import(${module}).then((m) => console.log(m.usableProcessors()))`;
    const { stdout } = spawnSync("taskset", ["-c", firstProcessor(), process.execPath, "-e", program], {
      encoding: "utf8",
    });
    assert.equal(stdout, "1\n");
  });
});
