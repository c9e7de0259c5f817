/** Reads the environment variables about the hub and proxies as huggingface_hub does (constants.py, utils/_auth.py). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { huggingFaceCacheFolder, huggingFaceHome } from "../../../models/checkpoint/hugging-face-cache.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { HubSettings } from "../../pull/hub/hub.ts";
import { usualSettings } from "../../pull/network/network.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const usualEndpoint = "https://huggingface.co";

/** @param program name and version, for the header User-Agent of every request */
export function hubSettings(env: Environment, home: string, program: string): HubSettings {
  const endpoint = endpointOf(env);
  const found = isOn(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"]) ? null : findToken(env, home);
  const idleMs = seconds(env, "HF_HUB_DOWNLOAD_TIMEOUT") ?? usualSettings.idleMs;
  return {
    endpoint,
    tokenSource: found?.source ?? null,
    cacheFolder: huggingFaceCacheFolder(env, home),
    isOffline: isOn(env["HF_HUB_OFFLINE"]) || isOn(env["TRANSFORMERS_OFFLINE"]),
    network: {
      ...usualSettings,
      connectMs: Math.min(idleMs, usualSettings.connectMs),
      idleMs,
      proxies: {
        http: either(env, "http_proxy"),
        https: either(env, "https_proxy"),
        none: either(env, "no_proxy"),
      },
      credentials: found === null ? null : { origin: new URL(endpoint).origin, token: found.token },
      userAgent: `${program}; node/${process.versions.node}`,
    },
  };
}

function endpointOf(env: Environment): string {
  const set = env["HF_ENDPOINT"] ?? "";
  if (set === "") return usualEndpoint;
  if (!/^https?:\/\//.test(set) || !URL.canParse(set)) {
    throw new UsageError(`HF_ENDPOINT: found "${set}", expected an address such as ${usualEndpoint}.`);
  }
  return set.replace(/\/+$/, "");
}

interface FoundToken {
  readonly token: string;
  readonly source: string;
}

function findToken(env: Environment, home: string): FoundToken | null {
  for (const source of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const token = (env[source] ?? "").trim();
    if (token !== "") return { token, source };
  }
  const path = env["HF_TOKEN_PATH"] ?? "";
  const file = path === "" ? join(huggingFaceHome(env, home), "token") : path;
  let token: string;
  try {
    token = readFileSync(file, "utf8").trim();
  } catch {
    return null; // the user has not logged in
  }
  return token === "" ? null : { token, source: file };
}

/** Whether a variable is on, as in huggingface_hub (constants.py, ENV_VARS_TRUE_VALUES). */
function isOn(value: string | undefined): boolean {
  return ["1", "TRUE", "YES", "ON"].includes((value ?? "").toUpperCase());
}

/** A variable in lower or upper case; as in curl, the lower-case name has precedence. */
function either(env: Environment, name: string): string {
  return env[name] ?? env[name.toUpperCase()] ?? "";
}

function seconds(env: Environment, name: string): number | null {
  const text = env[name] ?? "";
  if (text === "") return null;
  const value = Number(text);
  if (value > 0) return value * 1000;
  throw new UsageError(`${name}: found "${text}", expected seconds, more than 0.`);
}
