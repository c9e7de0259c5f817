/**
 * A hub that speaks what a downloader needs of huggingface.co: revisions, lists of files in pages, files by themselves or behind
 * signed addresses on another port, ranges, pointers, refusals in the hub's words. It can be told to misbehave.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sendContent } from "./send-content.ts";
import type { Misbehaviour } from "./send-content.ts";

export interface StandInRepository {
  /** By their paths. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Branches and tags; unset: main alone. */
  readonly refs?: readonly string[];
  /** Only with this token. */
  readonly token?: string;
  /** Refuses everybody who is not let in, in these words. */
  readonly gated?: string;
}

export interface HubRequest {
  readonly part: "revision" | "tree" | "resolve" | "content";
  readonly repository: string;
  /** Of a file; empty otherwise. */
  readonly path: string;
  readonly range: string | null;
  readonly authorization: string | null;
  readonly userAgent: string;
  /** How many of this part and file there were, with this one. */
  readonly count: number;
}

export interface HubOptions {
  readonly misbehave?: (request: HubRequest) => Misbehaviour | null;
  /** Files in a page of a list. */
  readonly pageSize?: number;
  /** Files from this size on are kept behind signed addresses. */
  readonly lfsBytes?: number;
  /** How often a signed address answers before it has expired; unset: always. */
  readonly usesOfAddress?: number;
}

export interface StandInHub {
  readonly endpoint: string;
  /** Of what is behind signed addresses. */
  readonly contentHost: string;
  readonly requests: readonly HubRequest[];
  /** Of a repository: what its revisions stand for. */
  readonly commitOf: (repository: string) => string;
  readonly close: () => Promise<void>;
}

interface Stored {
  readonly bytes: Uint8Array;
  readonly gitSha1: string;
  readonly sha256: string;
  readonly isLfs: boolean;
}

/** `repositories`: by owner/name, those of data by datasets/owner/name. */
export async function startHub(
  repositories: Readonly<Record<string, StandInRepository>>,
  options: HubOptions = {},
): Promise<StandInHub> {
  const { misbehave = () => null, pageSize = 1000, lfsBytes = 1 << 20, usesOfAddress = Infinity } = options;
  const requests: HubRequest[] = [];
  const stored = new Map(
    Object.entries(repositories).map(([name, { files }]) => [
      name,
      new Map(Object.entries(files).map(([path, bytes]) => [path, store(bytes, lfsBytes)])),
    ]),
  );
  const commitOf = (name: string): string => {
    const files = [...(stored.get(name) ?? [])].map(([path, { sha256 }]) => `${path} ${sha256}\n`);
    return createHash("sha1").update(files.join("")).digest("hex");
  };
  /** Notes the request; true where it was answered otherwise. */
  const record = (
    incoming: IncomingMessage,
    request: Pick<HubRequest, "part" | "repository" | "path">,
  ): Misbehaviour | null => {
    const { part, repository, path } = request;
    const same = requests.filter((each) => each.part === part && each.repository === repository && each.path === path);
    const { range = null, authorization = null, "user-agent": userAgent = "" } = incoming.headers;
    const noted = { ...request, range, authorization, userAgent, count: same.length + 1 };
    requests.push(noted);
    return misbehave(noted);
  };

  const uses = new Map<string, number>();
  let signatures = 0;
  const content = await listen((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", "http://content");
    const [, sha256 = ""] = url.pathname.split("/");
    const signature = url.searchParams.get("signature") ?? "";
    const used = (uses.get(signature) ?? usesOfAddress) + 1;
    uses.set(signature, used);
    for (const [repository, files] of stored) {
      for (const [path, file] of files) {
        if (file.sha256 !== sha256) continue;
        const misbehaviour = record(incoming, { part: "content", repository, path });
        if (used > usesOfAddress) {
          answer(outgoing, 403, "Request has expired");
          return;
        }
        sendContent(file.bytes, { incoming, outgoing, headers: { etag: '"of-another-kind"' }, misbehaviour });
        return;
      }
    }
    answer(outgoing, 404, "no such content");
  });
  const contentEndpoint = addressOf(content);

  const hub = await listen((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", "http://hub");
    const pathname = decodeURIComponent(url.pathname);
    const [, api, repository = "", part = "", rest = ""] =
      /^(\/api(?=\/datasets\/)|\/api\/models)?\/((?:datasets\/)?[^/]+\/[^/]+)\/(revision|tree|resolve|raw)\/(.+)$/.exec(
        pathname,
      ) ?? [];
    const known = repositories[repository];
    const files = stored.get(repository);
    const isRefused = refuse(known, incoming, outgoing);
    if (isRefused || known === undefined || files === undefined) return;
    const commit = commitOf(repository);
    const refs = ["main", ...(known.refs ?? []), commit];
    const revision = refs.find((ref) => rest === ref || rest.startsWith(`${ref}/`));
    const path = revision === undefined ? "" : rest.slice(revision.length + 1);
    if (api !== undefined && (part === "revision" || part === "tree")) {
      const misbehaviour = record(incoming, { part, repository, path: "" });
      if (misbehaviour?.kind === "answer") {
        answerAs(outgoing, misbehaviour);
        return;
      }
      if (revision === undefined) {
        answer(outgoing, 404, `Invalid rev id: ${rest}`, { "x-error-code": "RevisionNotFound" });
        return;
      }
      if (part === "revision") {
        sendJson(outgoing, { _id: "1", id: repository, sha: commit, private: false });
        return;
      }
      const page = Number(url.searchParams.get("cursor") ?? 0);
      const listed = [...files].slice(page, page + pageSize);
      if (page + pageSize < files.size) {
        const next = `${addressOf(hub)}${url.pathname.split("/tree/")[0] ?? ""}/tree/${commit}?recursive=true&cursor=${page + pageSize}`;
        outgoing.setHeader("link", `<${next}>; rel="next"`);
      }
      sendJson(outgoing, [{ type: "directory", path: "more", size: 0, oid: "0" }, ...listed.map(treeEntry)]);
      return;
    }
    const file = files.get(path);
    const misbehaviour = record(incoming, { part: "resolve", repository, path });
    if (misbehaviour?.kind === "answer") {
      answerAs(outgoing, misbehaviour);
      return;
    }
    if (revision === undefined || file === undefined) {
      answer(outgoing, 404, "Entry not found", { "x-error-code": "EntryNotFound" });
      return;
    }
    if (part === "raw" && file.isLfs) {
      answer(outgoing, 200, pointerOf(file));
      return;
    }
    const common = { "x-repo-commit": commit };
    if (!file.isLfs) {
      const headers = { ...common, etag: `"${file.gitSha1}"` };
      sendContent(file.bytes, { incoming, outgoing, headers, misbehaviour });
      return;
    }
    signatures += 1;
    uses.set(String(signatures), 0);
    answer(outgoing, 302, "Found", {
      ...common,
      location: `${contentEndpoint}/${file.sha256}?signature=${signatures}`,
      "x-linked-etag": `"${file.sha256}"`,
      "x-linked-size": String(file.bytes.length),
    });
  });

  return {
    endpoint: addressOf(hub),
    contentHost: new URL(contentEndpoint).host,
    requests,
    commitOf,
    close: async () => {
      await Promise.all([shut(hub), shut(content)]);
    },
  };
}

function store(bytes: Uint8Array, lfsBytes: number): Stored {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const isLfs = bytes.length >= lfsBytes;
  const inGit = isLfs ? Buffer.from(pointerOf({ sha256, bytes })) : bytes;
  const gitSha1 = createHash("sha1").update(`blob ${inGit.length}\0`).update(inGit).digest("hex");
  return { bytes, gitSha1, sha256, isLfs };
}

/** docs of git-lfs, spec.md */
function pointerOf({ sha256, bytes }: Pick<Stored, "sha256" | "bytes">): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${bytes.length}\n`;
}

function treeEntry([path, { bytes, gitSha1, sha256, isLfs }]: readonly [string, Stored]): unknown {
  const lfs = { oid: sha256, size: bytes.length, pointerSize: 134 };
  return { type: "file", path, size: bytes.length, oid: gitSha1, ...(isLfs && { lfs, xetHash: sha256 }) };
}

/** In the hub's words (huggingface_hub, utils/_http.py); true where it refuses. */
function refuse(
  repository: StandInRepository | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): boolean {
  const { authorization } = incoming.headers;
  if (authorization === "Bearer wrong") {
    answer(outgoing, 401, "", { "x-error-message": "Invalid credentials in Authorization header" });
    return true;
  }
  const isHidden = repository?.token !== undefined && authorization !== `Bearer ${repository.token}`;
  if (repository === undefined || isHidden) {
    const message = { "x-error-code": "RepoNotFound", "x-error-message": "Repository not found" };
    answer(outgoing, authorization === undefined ? 401 : 404, '{"error":"Repository not found"}', message);
    return true;
  }
  if (repository.gated === undefined) return false;
  const headers = { "x-error-code": "GatedRepo", "x-error-message": repository.gated };
  answer(outgoing, authorization === undefined ? 401 : 403, "", headers);
  return true;
}

function answer(
  outgoing: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  outgoing.writeHead(status, { "content-type": "text/plain", ...headers }).end(text);
}

function answerAs(outgoing: ServerResponse, { status, headers, text }: Misbehaviour & { kind: "answer" }): void {
  answer(outgoing, status, text ?? "", headers);
}

function sendJson(outgoing: ServerResponse, value: unknown): void {
  outgoing.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function listen(listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

function addressOf(server: Server): string {
  const { port } = server.address() as AddressInfo; // it listens on a port
  return `http://127.0.0.1:${port}`;
}

async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
