/**
 * `blip2-bench pull`: fetches checkpoints and mirrors of data sets from the hub into the Hugging Face cache, and official
 * files of data sets; or lists what there is.
 */
import {
  mirrorPrefix,
  parseHubName,
  parseMirrorName,
  shownHubName,
} from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import type { OfficialDataset } from "../../catalog/official-data.ts";
import { publishedCheckpoints } from "../../catalog/published-checkpoints.ts";
import { UsageError, nearestName } from "../../catalog/usage-error.ts";
import { partsNamed } from "../../../datasets/parquet/split-names.ts";
import { checkpointFiles } from "../../pull/hub/checkpoint-files.ts";
import { mirrorFiles } from "../../pull/hub/mirror-files.ts";
import type { PulledRepository } from "../../pull/hub/pull-repository.ts";
import { findPulled, keptOf } from "../../pull/hub/pull-repository.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { PullValues } from "./declared/look-after.ts";
import { datasetNamed } from "../pull/named-datasets.ts";
import { pullDataset } from "../pull/pull-datasets.ts";
import { pullMirror } from "../pull/pull-mirror.ts";
import { pullModels } from "../pull/pull-models.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import { withNetwork } from "../pull/with-network.ts";

/** Gives the exit code. */
export function pull(values: PullValues, words: readonly string[], surroundings: Surroundings): Promise<number> {
  if (values.list) return listPullable(surroundings);
  const [first = ""] = words;
  const dataset = words.length === 1 ? datasetNamed(first, surroundings.catalog) : null;
  if (dataset !== null) return pullDataset(dataset, values, surroundings);
  return pullNamed(words.map(hubNameOf), values, surroundings);
}

function hubNameOf(word: string): HubName {
  const name = parseMirrorName(word) ?? parseHubName(word);
  if (name !== null) return name;
  if (word.startsWith(mirrorPrefix)) {
    throw new UsageError(`pull ${word}: expected hf:owner/name or hf:owner/name@revision.`);
  }
  const names = publishedCheckpoints.map(({ repository }) => repository);
  const byLastPart = names.find((each) => each.endsWith(`/${word}`));
  const nearest = byLastPart ?? nearestName(word, names);
  throw new UsageError(
    `pull ${word}: expected owner/name or owner/name@revision.${nearest === null ? "" : ` Did you mean ${nearest}?`} ` +
      "blip2-bench pull --list shows what there is.",
  );
}

/** Gives the exit code. */
async function pullNamed(
  names: readonly HubName[],
  { split, limit, output }: PullValues,
  { hub, terminal, isJson }: Pick<Surroundings, "hub" | "terminal" | "isJson">,
): Promise<number> {
  if (names.length === 0) {
    throw new UsageError("pull: found no name, expected owner/name. blip2-bench pull --list shows what there is.");
  }
  const named = {
    models: names.filter(({ kind }) => kind === "models"),
    mirrors: names.filter(({ kind }) => kind === "datasets"),
  };
  const [mirror] = named.mirrors;
  if (mirror !== undefined && (limit !== null || output !== null)) {
    throw new UsageError(
      `pull ${shownHubName(mirror)} ${limit === null ? "--output" : "--limit"}: a mirror's split is fetched whole, into the Hugging Face cache.`,
    );
  }
  const settings = hub();
  const choice = mirrorFiles(split === null ? null : partsNamed(split));
  const fetched = await withNetwork(settings.network, terminal, async (fetching) => {
    const checkpoints = await pullModels(named.models, fetching, { hub: settings, terminal });
    const mirrors = [];
    for (const name of named.mirrors) {
      mirrors.push(await pullMirror({ name, choice }, fetching, { hub: settings, terminal }));
    }
    return { checkpoints, mirrors };
  });
  if ("exitCode" in fetched) return fetched.exitCode;
  const { checkpoints, mirrors } = fetched.value;
  const text = [...checkpoints.map(describe), ...mirrors.map(describeMirror)].join("\n");
  terminal.result(isJson ? JSON.stringify(fetched.value, null, 2) : text);
  return completeCode;
}

function describeMirror(mirror: PulledRepository): string {
  return `${describe(mirror)}\nuse it with --data ${shownHubName(mirror)}`;
}

function describe({ kind, repository, revision, commit, folder, files }: PulledRepository): string {
  const fetched = files.filter(({ wasHere }) => !wasHere);
  const bytes = readableBytes(fetched.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  const what = fetched.length === 0 ? "all was here" : `${fetched.length} files fetched, ${bytes}`;
  return `${shownHubName({ kind, repository })}@${revision} is ${commit}: ${what}\n${folder}`;
}

/** A checkpoint that can be pulled, and how much of it is in the cache. */
interface Pullable {
  readonly name: string;
  readonly sizeBytes: number;
  readonly licence: string;
  /** Commit of the snapshot in the cache; null: none, or incomplete. */
  readonly commit: string | null;
  /** Bytes received by an unfinished download. */
  readonly keptBytes: number;
}

const listColumns: readonly ColumnOf<Pullable>[] = [
  left("checkpoint", ({ name }) => name),
  right("size", ({ sizeBytes }) => `about ${readableBytes(sizeBytes)}`),
  left("licence", ({ licence }) => licence),
  left("here", ({ commit, keptBytes }) => {
    if (commit !== null) return `commit ${commit.slice(0, 8)}`;
    return keptBytes > 0 ? `${readableBytes(keptBytes)} of it` : "no";
  }),
];

const datasetColumns: readonly ColumnOf<OfficialDataset>[] = [
  left("data set", ({ name }) => name),
  left("splits", ({ splits }) => splits.map(({ split }) => split).join(", ")),
  left("licence", ({ licence }) => licence),
];

async function listPullable({
  catalog,
  hub,
  terminal,
  isJson,
}: Pick<Surroundings, "catalog" | "hub" | "terminal" | "isJson">): Promise<number> {
  const { cacheFolder } = hub();
  const checkpoints = [];
  for (const { repository, sizeBytes, licence, terms } of publishedCheckpoints) {
    const name: HubName = { kind: "models", repository, revision: "main" };
    const found = await findPulled(cacheFolder, name, checkpointFiles);
    const keptBytes = found === null ? await keptOf(cacheFolder, name) : 0;
    checkpoints.push({ name: repository, sizeBytes, licence, terms, commit: found?.commit ?? null, keptBytes });
  }
  if (isJson) {
    terminal.result(JSON.stringify({ folder: cacheFolder, checkpoints }, null, 2));
    return completeCode;
  }
  const table = tableToText(tableOf(listColumns, checkpoints));
  const datasets = tableToText(tableOf(datasetColumns, catalog.officialData));
  const terms = [...new Set(checkpoints.map(({ terms }) => terms)), "", datasets];
  terminal.result(
    [table, "or owner/name of any other checkpoint of BLIP-2 on the hub, with @revision or without", ...terms].join(
      "\n",
    ),
  );
  return completeCode;
}
