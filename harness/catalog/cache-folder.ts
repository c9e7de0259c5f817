/** Where what is kept between runs lies, unless a folder is named: in the user's cache folder, as freedesktop.org has it. */
import { homedir } from "node:os";
import { join } from "node:path";

export function ownCacheFolder({ XDG_CACHE_HOME: caches }: Readonly<Record<string, string | undefined>>): string {
  return join(caches === undefined || caches === "" ? join(homedir(), ".cache") : caches, "blip2-bench");
}
