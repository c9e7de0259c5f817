/** The settings of a hub, which come from environment variables, and the errors that its refusals become. */
import { shownHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName, HubRepository } from "../../../models/checkpoint/hugging-face-cache.ts";
import { header } from "../network/answer-headers.ts";
import type { Headers } from "../network/answer-headers.ts";
import type { Refuse } from "../network/fetch-bytes.ts";
import type { NetworkSettings } from "../network/network.ts";
import { PullError } from "../network/pull-error.ts";

export interface HubSettings {
  /** URL of the hub, without a slash at its end. */
  readonly endpoint: string;
  /** Name of the variable or file that the token comes from, for messages; null: there is no token. */
  readonly tokenSource: string | null;
  /** Folder of the Hugging Face cache. */
  readonly cacheFolder: string;
  /** Whether network access is forbidden. */
  readonly isOffline: boolean;
  readonly network: NetworkSettings;
}

/** Address of a repository; those of its files begin with it. */
export function hubPage(endpoint: string, { kind, repository }: HubRepository): string {
  return kind === "models" ? `${endpoint}/${repository}` : `${endpoint}/${kind}/${repository}`;
}

/**
 * Makes a function that throws an error with the hub's own message and advice. X-Error-Code and X-Error-Message:
 * huggingface_hub, utils/_http.py.
 */
export function refusalOf({ endpoint, tokenSource }: HubSettings, { kind, repository, revision }: HubName): Refuse {
  return ({ status, headers, url }, text) => {
    const code = header(headers, "x-error-code");
    const said = saidBy(headers, text);
    const refuse = (what: string, advice: string): never => {
      throw new PullError(
        `${shownHubName({ kind, repository })}: ${what}${said === "" ? "." : `. The hub says: ${said}`} ${advice}`,
      );
    };
    const page = hubPage(endpoint, { kind, repository });
    const token =
      tokenSource === null
        ? "Set HF_TOKEN to a token that may read it, or log in with huggingface_hub."
        : `The token is that of ${tokenSource}.`;
    if (code === "RevisionNotFound") {
      return refuse(`no revision ${revision} at ${endpoint}`, `Branches, tags and commits: ${page}/commits`);
    }
    if (code === "GatedRepo" || status === 403) {
      return refuse("it is not open to everybody", `Ask for access at ${page}. ${token}`);
    }
    if (status === 401 && /invalid credentials|invalid (username|token)/i.test(said)) {
      return refuse("the token is refused", `${token} Renew it, or unset it for what is public.`);
    }
    if (code === "RepoNotFound" || status === 401) {
      return refuse(`no such repository at ${endpoint}, or it is private`, `Is the name right? ${token}`);
    }
    const request = header(headers, "x-request-id");
    const number = request === null ? "" : ` (request ${request})`;
    return refuse(`the hub answered ${status} for ${url}${number}`, "Nothing was changed.");
  };
}

function saidBy(headers: Headers, text: string): string {
  const said = header(headers, "x-error-message") ?? errorIn(text) ?? "";
  return said === "" || /[.!?]$/.test(said) ? said : `${said}.`;
}

/** The message of an API error, which has the form `{"error": "…"}`. */
function errorIn(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value && typeof value.error === "string") {
      return value.error;
    }
  } catch {
    // an HTML page
  }
  return null;
}
