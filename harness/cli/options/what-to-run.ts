/** Options for what is run: checkpoints, tasks, samples and the folders of their files. */
import * as z from "zod";
import {
  describePrecision,
  fp32Precision,
  parsePrecision,
  precisionNames,
} from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { roleNames } from "../../../datasets/own/column-roles.ts";
import { CheckpointError } from "../../../models/model.ts";
import { rerankings } from "../../../tasks/metrics/retrieval-ranking.ts";
import { readDataPlace } from "../../catalog/data-folder.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { oneOf, unexpected, wholeFrom } from "../../catalog/values.ts";
import { choice, folder, limit, names, namesIn, namesOrPaths, single, text, value } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Kind, Option } from "./option.ts";

const { option, toggle } = optionsUnder("What to run");

/** `usual`: the default in words; null: a model must be given. */
export function modelOption(
  usual: string | null,
  help = "bundled names, folders or names in the Hugging Face cache",
): Option<readonly string[] | undefined> {
  return option("-m, --model <names>", help, { kind: namesOrPaths("models"), ...(usual !== null && { usual }) });
}

export function tasksOption(usual: string): Option<readonly string[] | undefined> {
  return option("-t, --tasks <names>", "tasks, or task files such as ./my-task.yaml", {
    kind: namesOrPaths("tasks"),
    usual,
  });
}

/**
 * A list of precisions. Values are split at commas, except a value with "=", which is one precision by part; duplicates
 * are dropped. Throws a UsageError for a precision that is unknown or that this processor does not support.
 */
const precisions: Kind<readonly Precision[]> = {
  ...names(precisionNames),
  read: (typed, where) => {
    const spelt = typed.flatMap((each) => (each.includes("=") ? [each] : namesIn([each], where)));
    const found = new Map<string, Precision>();
    for (const each of spelt) {
      const precision = readPrecision(each, where);
      found.set(describePrecision(precision), precision);
    }
    return Object.freeze([...found.values()]);
  },
};

function readPrecision(typed: string, where: string): Precision {
  try {
    return parsePrecision(typed);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new UsageError(`${where}: ${cause.message}`, { cause });
  }
}

/** The precisions to compute in; each makes a separate run. */
export const precision = option(
  "--precision <names>",
  "fp32, fp16, int8, int8-block or int4, several with commas (int4: the language model, the rest int8); " +
    "or by part: language=int4,vision=int8",
  { kind: precisions, usual: "fp32", otherwise: [fp32Precision] },
);

export const maxPixels = option(
  "--max-pixels <n>",
  "take images of more pixels than the usual 178,956,970, up to this many",
  { kind: value(wholeFrom(1)), otherwise: null },
);

const dataPlace: Kind<string> = single(z.string(), "folders", (typed, where) => readDataPlace(where, typed));

/** Columns by role: `question=q,answers=gt`. */
const columns: Kind<Readonly<Record<string, string>>> = {
  ...names([...roleNames.keys()]),
  read: (typed, where) => {
    const pairs = namesIn(typed, where).map((pair) => {
      const [, role = "", column = ""] = /^([^=]*)=(.+)$/.exec(pair) ?? [];
      if (column === "") throw unexpected(where, pair, "role=column, such as question=q");
      if (!roleNames.has(role))
        throw unknownName(`${where} ${pair}`, "role", { name: role, names: [...roleNames.keys()] });
      return [role, column] as const;
    });
    return Object.freeze(Object.fromEntries(pairs));
  },
};

/** Options for the samples and the folders of their files. */
export const samples = {
  data: option(
    "--data <folder>",
    "folder of the data set's official files, or of a parquet mirror, or hf:owner/name; for own data a folder or a file",
    {
      kind: dataPlace,
      usual: "the bundled files",
      otherwise: null,
    },
  ),
  images: option("--images <folder>", "its images", {
    kind: folder,
    usual: "where the official archives put them",
    otherwise: null,
  }),
  columns: option(
    "--columns <role=name>",
    `own data: the column of a role, such as question=q,answers=gt; roles: ${[...roleNames.keys()].join(", ")}`,
    {
      kind: columns,
      usual: "found by usual names",
      otherwise: {},
    },
  ),
  allowOutside: toggle("--allow-outside", "own data: images may lie outside its folder"),
  maxPixels,
  split: option("--split <name>", "part of the data set", {
    kind: text("splits"),
    usual: "its first",
    otherwise: null,
  }),
  limit: option("--limit <n>", "only the first n samples, or a fraction of them, such as 0.1", {
    kind: limit,
    otherwise: null,
  }),
};

/** The new folder of the data set of a run on disk. */
export const movedData = option("--data <folder>", "the data set's files, where they have moved", {
  kind: dataPlace,
  otherwise: null,
});

export const protocols = ["paper", "lavis"] as const;

/** Options that replace choices of the protocol for re-ranking and scoring. */
export const rankingAndScore = {
  rerank: option("--rerank <n>", "retrieval: candidates of a row that are matched again; 0 is none", {
    kind: value(wholeFrom(0)),
  }),
  rerankBy: option("--rerank-by <what>", "retrieval: what orders these candidates: itm, itg or both", {
    kind: choice(rerankings),
    usual: "itm",
  }),
  ciderDf: option("--cider-df <where>", "CIDEr's document frequencies: split, or sample as the official code has it", {
    kind: value(oneOf(["split", "sample"]), ["split", "sample"]),
  }),
};
