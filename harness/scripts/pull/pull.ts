/**
 * Times `pull` and curl alternately, from one server on this machine:
 *
 *   npm run bench:pull -- [--megabytes 4000] [--files 1000] [--kilobytes 100] [--rounds 5] [--scheme http] [--folder scratch/pull]
 *
 * One JSON object a line: MB/s of curl that discards what it fetches, which is the rate of the server; of curl that writes files;
 * and of `pull`: medians of the rounds, the first of which is not counted; how far the memory of `pull` grew; and the processor
 * time that `pull` and the server took for a gigabyte: where few processors share it, that time bounds the rate. `pull` verifies checksums and
 * waits until the disk has the large file; curl does neither. First the large file, then the small ones, of which both fetch equally many at
 * once. With `--scheme https` both accept the server's certificate, made here with openssl, unchecked.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../catalog/usage-error.ts";
import { downloadFile } from "../../pull/network/download-file.ts";
import { openNetwork, smallAtOnce, usualSettings } from "../../pull/network/network.ts";
import { median } from "../../statistics/medians.ts";
import { print, readFlags, round, runBenchmark } from "../bench-report.ts";
import { patternSha256 } from "./pattern.ts";

interface Work {
  readonly what: string;
  readonly urls: readonly string[];
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly folder: string;
  /** The server's address. */
  readonly origin: string;
}

await runBenchmark(async () => {
  const defaults = {
    megabytes: 4000,
    files: 1000,
    kilobytes: 100,
    rounds: 5,
    scheme: "http",
    folder: join(tmpdir(), "blip2-bench-pull"),
  };
  const flags = readFlags("bench:pull", defaults, process.argv.slice(2));
  const [largeBytes, smallBytes] = [flags.count("megabytes") * 1e6, flags.count("kilobytes") * 1e3];
  const scheme = flags.text("scheme");
  if (scheme !== "http" && scheme !== "https") {
    throw new UsageError(`bench:pull --scheme: found "${scheme}", expected http or https.`);
  }
  const certified = scheme === "https" ? [makeCertificate()] : [];
  const serverFile = fileURLToPath(new URL(`./pull-server${extname(import.meta.url)}`, import.meta.url));
  const folder = resolve(flags.text("folder"));
  rmSync(folder, { recursive: true, force: true });
  const server = spawn(process.execPath, [serverFile, String(largeBytes), String(smallBytes), ...certified]);
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    const origin = `${scheme}://127.0.0.1:${port.toString().trim()}`;
    const small = Array.from({ length: flags.count("files") }, (_, index) => `${origin}/small/${index}`);
    const rounds = flags.count("rounds");
    await compare(
      {
        what: "one large file",
        urls: [`${origin}/large`],
        sizeBytes: largeBytes,
        sha256: patternSha256(largeBytes),
        folder,
        origin,
      },
      rounds,
    );
    await compare(
      { what: "small files", urls: small, sizeBytes: smallBytes, sha256: patternSha256(smallBytes), folder, origin },
      rounds,
    );
  } finally {
    server.kill();
    for (const made of [folder, ...certified]) rmSync(made, { recursive: true, force: true });
  }
});

/** Gives the folder that the server reads it from. This process takes any certificate from here on. */
function makeCertificate(): string {
  const folder = mkdtempSync(join(tmpdir(), "blip2-bench-certificate-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"];
  const { status } = spawnSync("openssl", ["req", ...kind, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  if (status !== 0) throw new UsageError(`bench:pull: openssl ended with ${status ?? "a signal"}. Is it installed?`);
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
  return folder;
}

async function compare(work: Work, rounds: number): Promise<void> {
  const megabytes = (work.urls.length * work.sizeBytes) / 1e6;
  const rates = { server: [] as number[], curl: [] as number[], ours: [] as number[] };
  const cpu = { server: [] as number[], ours: [] as number[] };
  const startKiB = process.memoryUsage().rss / 1024;
  for (let each = 0; each <= rounds; each += 1) {
    const server = megabytes / (await seconds(work, (all) => fetchWithCurl(all, "nothing")));
    const curl = megabytes / (await seconds(work, (all) => fetchWithCurl(all, "files")));
    const [serverBefore, oursBefore] = [await serverCpu(work), process.cpuUsage()];
    const ours = megabytes / (await seconds(work, fetchOurs));
    const { user, system } = process.cpuUsage(oursBefore);
    const serverAfter = await serverCpu(work);
    if (each === 0) continue; // code is compiled, and folders are known
    rates.server.push(server);
    rates.curl.push(curl);
    rates.ours.push(ours);
    cpu.server.push(((serverAfter - serverBefore) / megabytes) * 1e3);
    cpu.ours.push((user + system) / megabytes / 1e3);
  }
  print({
    what: work.what,
    files: work.urls.length,
    megabytes: round(megabytes),
    serverMegabytesPerSecond: round(median(rates.server)),
    curlMegabytesPerSecond: round(median(rates.curl)),
    oursMegabytesPerSecond: round(median(rates.ours)),
    ratio: round(median(rates.ours) / median(rates.curl), 2),
    serverCpuSecondsPerGigabyte: round(median(cpu.server), 2),
    oursCpuSecondsPerGigabyte: round(median(cpu.ours), 2),
    memoryOverStartMiB: round((process.resourceUsage().maxRSS - startKiB) / 1024),
  });
}

async function serverCpu({ origin }: Work): Promise<number> {
  return Number(await (await fetch(`${origin}/cpu`)).text());
}

/**
 * Each time into a folder of its own; a large file is removed at once. Many are not: ext4 without a journal looks past every
 * inode that was freed in the last minutes when it makes a file, which costs more than all else.
 */
async function seconds(work: Work, fetchAll: (work: Work) => Promise<void>): Promise<number> {
  mkdirSync(work.folder, { recursive: true });
  const folder = mkdtempSync(join(work.folder, "round-"));
  spawnSync("sync"); // flushes what the previous download wrote, so that it does not slow the next one down
  const start = performance.now();
  await fetchAll({ ...work, folder });
  const taken = (performance.now() - start) / 1000;
  if (work.urls.length === 1) rmSync(folder, { recursive: true });
  return taken;
}

async function fetchWithCurl({ urls, folder }: Work, kept: "nothing" | "files"): Promise<void> {
  const output = (index: number): string => (kept === "nothing" ? "/dev/null" : join(folder, String(index)));
  const config = urls.map((url, index) => `url = "${url}"\noutput = "${output(index)}"`).join("\n");
  const parallel = urls.length === 1 ? [] : ["--parallel", "--parallel-max", String(smallAtOnce)];
  const curl = spawn("curl", ["--silent", "--fail", "--insecure", ...parallel, "--config", "-"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  curl.stdin.end(config);
  const [code] = (await once(curl, "close")) as [number | null];
  if (code !== 0) throw new UsageError(`bench:pull: curl ended with ${code ?? "a signal"}. Is it installed?`);
}

async function fetchOurs({ urls, sizeBytes, sha256, folder }: Work): Promise<void> {
  const network = openNetwork(
    { ...usualSettings, proxies: { http: "", https: "", none: "" }, credentials: null, userAgent: "bench:pull" },
    { signal: new AbortController().signal, tell: () => undefined },
  );
  try {
    await Promise.all(
      urls.map((url, index) => {
        const path = join(folder, String(index));
        const place = { path, partial: `${path}.incomplete`, lock: `${path}.lock` };
        return downloadFile(
          network,
          { name: url, url, sizeBytes, digest: { algorithm: "sha256", accepted: [sha256] } },
          place,
        );
      }),
    );
  } finally {
    await network.close();
  }
}
