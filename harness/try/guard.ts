/**
 * Lets only the server's own page and local programs use the server. Pages of other sites run in the user's browser as
 * well, so each request is checked by the headers that a browser sets and a page cannot change: Host, Origin and
 * Sec-Fetch-Site.
 */
import { hostname, networkInterfaces } from "node:os";
import type { Context, MiddlewareHandler } from "hono";
import type { Refusal } from "./wire.ts";

/**
 * The content security policy: everything the page needs comes from the server itself; a user's images are blob: URLs.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy": policy,
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

export function withHeaders(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) context.res.headers.set(name, value);
  };
}

/** `hosts`: what the Host header may be, such as `localhost:8080`. */
export function refuseStrangers(hosts: () => ReadonlySet<string>): MiddlewareHandler {
  return async (context, next) => {
    const reason = strangeness(context, hosts());
    if (reason !== null) return refuse(context, 403, reason);
    await next();
    return undefined;
  };
}

function strangeness(context: Context, hosts: ReadonlySet<string>): string | null {
  const host = context.req.header("host")?.toLowerCase() ?? "";
  if (!hosts.has(host)) {
    // A foreign host name that resolves to this machine (DNS rebinding).
    return `Host: found "${host}", expected ${[...hosts].join(" or ")}.`;
  }
  const origin = context.req.header("origin");
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`) {
    return `Origin: found "${origin}", expected http://${host}. Pages from elsewhere may not use this server.`;
  }
  const site = context.req.header("sec-fetch-site");
  if (site === undefined || site === "same-origin" || site === "none" || isNavigation(context)) return null;
  return `Sec-Fetch-Site: found "${site}", expected same-origin. Pages from elsewhere may not use this server.`;
}

/** Whether the request follows a link to the page, such as those in a report. It shows the page and starts no work. */
function isNavigation({ req }: Context): boolean {
  const isTop = req.header("sec-fetch-mode") === "navigate" && req.header("sec-fetch-dest") === "document";
  return isTop && req.method === "GET" && req.path === "/";
}

/** Requires a content type that an HTML form of another site cannot send. */
export function onlyType(type: "application/json" | "application/octet-stream"): MiddlewareHandler {
  return async (context, next) => {
    const found = context.req.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
    if (found !== type) return refuse(context, 415, `Content-Type: found "${found}", expected ${type}.`);
    await next();
    return undefined;
  };
}

export function refuse(
  context: Context,
  status: 400 | 403 | 404 | 405 | 410 | 413 | 415 | 422 | 500 | 503,
  message: string,
): Response {
  const refusal: Refusal = { message };
  return context.json(refusal, status);
}

/** Names and addresses that always mean this machine. */
const loopback: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];
const everywhere: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

export function isLoopback(host: string): boolean {
  return loopback.includes(bracketed(host)) || /^127(\.\d{1,3}){3}$/.test(host);
}

/** All values that the Host header of a request to this address can have. */
export function hostsOf(host: string, port: number): ReadonlySet<string> {
  const names = new Set<string>([bracketed(host.toLowerCase())]);
  if (isLoopback(host) || everywhere.has(host)) for (const name of loopback) names.add(name);
  if (everywhere.has(host)) {
    names.add(hostname().toLowerCase());
    for (const addresses of Object.values(networkInterfaces())) {
      for (const { address } of addresses ?? []) names.add(bracketed(address.toLowerCase()));
    }
  }
  const withPort = [...names].map((name) => `${name}:${port}`);
  return new Set(port === 80 ? [...names, ...withPort] : withPort); // browsers leave port 80 out of the header
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
