/** Reads HTTP response headers: which bytes the body holds, how long to wait, where the next page is. */

/** Header values by lower-case name. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value of a header; null where it is missing. */
export function header(headers: Headers, name: string): string | null {
  const value = headers[name];
  return (typeof value === "string" ? value : value?.[0]) ?? null;
}

export interface ContentRange {
  /** First byte and the byte after the last; null for a 416 answer, which has no range. */
  readonly bytes: { readonly begin: number; readonly end: number } | null;
  /** Size of the whole file; null: the server does not say. */
  readonly totalBytes: number | null;
}

/**
 * Reads Content-Range: `bytes 0-99/1234`, `bytes 0-99/*`, `bytes *\/1234` (RFC 9110, section 14.4); null for anything
 * else.
 */
export function contentRange(headers: Headers): ContentRange | null {
  const text = header(headers, "content-range") ?? "";
  const [, begin, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(text) ?? [];
  if (total === undefined) return null;
  const bytes = begin === undefined || last === undefined ? null : { begin: Number(begin), end: Number(last) + 1 };
  return { bytes, totalBytes: total === "*" ? null : Number(total) };
}

/**
 * Milliseconds that a server asks clients to wait: `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), or
 * the hub's `RateLimit: "api";r=0;t=55`, which allows no requests for t seconds. One second is added because clocks
 * differ, as in huggingface_hub (utils/_http.py). Null where the server says nothing.
 */
export function askedWaitMs(headers: Headers, nowMs: number): number | null {
  const after = header(headers, "retry-after");
  if (after !== null) {
    if (/^\d+$/.test(after)) return (Number(after) + 1) * 1000;
    const date = Date.parse(after);
    if (!Number.isNaN(date)) return Math.max(0, date - nowMs) + 1000;
  }
  const [, seconds] = /;\s*r=0\s*;\s*t=(\d+)/.exec(header(headers, "ratelimit") ?? "") ?? [];
  return seconds === undefined ? null : (Number(seconds) + 1) * 1000;
}

/** URL of the next page, `<https://…>; rel="next"` in the header `Link` (RFC 8288); null on the last page. */
export function nextPage(headers: Headers): string | null {
  const links = header(headers, "link") ?? "";
  const [, address] = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(links) ?? [];
  return address ?? null;
}
