/**
 * Times `pull` and curl alternately, from one server on this machine:
 *
 *   npm run bench:pull -- [--megabytes 4000] [--files 1000] [--kilobytes 100] [--rounds 3] [--folder scratch/pull]
 *
 * One JSON object a line: MB/s of curl and of `pull`, the best round of each, and how far the memory of `pull` grew.
 * `pull` verifies checksums; curl does not. First the large file, then the small ones, of which both fetch equally many
 * at once.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../catalog/usage-error.ts";
import { downloadFile } from "../../pull/network/download-file.ts";
import { openNetwork, smallAtOnce, usualSettings } from "../../pull/network/network.ts";
import { print, readFlags, round, runBenchmark } from "../bench-report.ts";
import { patternSha256 } from "./pattern.ts";

interface Work {
  readonly what: string;
  readonly urls: readonly string[];
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly folder: string;
}

await runBenchmark(async () => {
  const defaults = {
    megabytes: 4000,
    files: 1000,
    kilobytes: 100,
    rounds: 3,
    folder: join(tmpdir(), "blip2-bench-pull"),
  };
  const flags = readFlags("bench:pull", defaults, process.argv.slice(2));
  const [largeBytes, smallBytes] = [flags.count("megabytes") * 1e6, flags.count("kilobytes") * 1e3];
  const serverFile = fileURLToPath(new URL(`./pull-server${extname(import.meta.url)}`, import.meta.url));
  const server = spawn(process.execPath, [serverFile, String(largeBytes), String(smallBytes)]);
  try {
    const [port] = (await once(server.stdout, "data")) as [Buffer];
    const origin = `http://127.0.0.1:${port.toString().trim()}`;
    const folder = resolve(flags.text("folder"));
    const small = Array.from({ length: flags.count("files") }, (_, index) => `${origin}/small/${index}`);
    const rounds = flags.count("rounds");
    await compare(
      {
        what: "one large file",
        urls: [`${origin}/large`],
        sizeBytes: largeBytes,
        sha256: patternSha256(largeBytes),
        folder,
      },
      rounds,
    );
    await compare(
      { what: "small files", urls: small, sizeBytes: smallBytes, sha256: patternSha256(smallBytes), folder },
      rounds,
    );
  } finally {
    server.kill();
  }
});

async function compare(work: Work, rounds: number): Promise<void> {
  const megabytes = (work.urls.length * work.sizeBytes) / 1e6;
  const best = { curl: 0, ours: 0 };
  const startKiB = process.memoryUsage().rss / 1024;
  for (let each = 0; each < rounds; each += 1) {
    best.curl = Math.max(best.curl, megabytes / (await seconds(work, fetchWithCurl)));
    best.ours = Math.max(best.ours, megabytes / (await seconds(work, fetchOurs)));
  }
  print({
    what: work.what,
    files: work.urls.length,
    megabytes: round(megabytes),
    curlMegabytesPerSecond: round(best.curl),
    oursMegabytesPerSecond: round(best.ours),
    ratio: round(best.ours / best.curl, 2),
    memoryOverStartMiB: round((process.resourceUsage().maxRSS - startKiB) / 1024),
  });
}

async function seconds(work: Work, fetchAll: (work: Work) => Promise<void>): Promise<number> {
  rmSync(work.folder, { recursive: true, force: true });
  mkdirSync(work.folder, { recursive: true });
  spawnSync("sync"); // flushes what the previous download wrote, so that it does not slow the next one down
  const start = performance.now();
  await fetchAll(work);
  const taken = (performance.now() - start) / 1000;
  rmSync(work.folder, { recursive: true, force: true });
  return taken;
}

async function fetchWithCurl({ urls, folder }: Work): Promise<void> {
  const config = urls.map((url, index) => `url = "${url}"\noutput = "${join(folder, String(index))}"`).join("\n");
  const parallel = urls.length === 1 ? [] : ["--parallel", "--parallel-max", String(smallAtOnce)];
  const curl = spawn("curl", ["--silent", "--fail", ...parallel, "--config", "-"], {
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
