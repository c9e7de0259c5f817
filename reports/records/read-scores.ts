/** Reads scores.json: the scores of a run, including the columns by sample. */
import { join } from "node:path";
import * as z from "zod";
import { metricUnitSchema } from "./metric-unit.ts";
import { RunFolderError, systemCode } from "./run-folder-error.ts";
import { scoresName } from "./run-files.ts";
import { scoresFormat } from "./run-record.ts";
import type { ScoreSheet } from "./run-record.ts";
import { readTextFile } from "./text-file.ts";

const count = z.int().nonnegative();
const group = z.object({ value: z.number(), samples: count });

/**
 * A column holds only strings or only numbers. It is checked by a loop for speed, since it may have a million values.
 */
const columns = z.record(
  z.string(),
  z
    .custom<readonly (string | number)[]>(
      (value) =>
        Array.isArray(value) &&
        (value.every((one) => typeof one === "string") || value.every((one) => typeof one === "number")),
      "expected strings, or numbers",
    )
    .meta({ type: "array", items: { type: ["string", "number"] } }),
);

export const scoreSheetSchema = z.object({
  format: z.literal(scoresFormat),
  code: z.string(),
  scorer: z.string().exactOptional(),
  counts: z.object({ samples: count, scored: count, failed: count, missing: count }),
  metrics: z.array(
    z.object({
      name: z.string(),
      unit: metricUnitSchema,
      higherIsBetter: z.boolean(),
      value: z.number().nullable(),
      standardError: z.number().nullable(),
      interval: z.object({ low: z.number(), high: z.number() }).nullable(),
      published: z.object({ value: z.number(), source: z.string() }).nullable(),
      breakdown: z.record(z.string(), z.record(z.string(), group)),
    }),
  ),
  samples: columns,
  texts: columns.exactOptional(),
  taskFile: z.string().exactOptional(),
  unscored: z
    .array(z.object({ id: z.string(), error: z.string() }))
    .readonly()
    .exactOptional(),
});

/** `folder`: a run folder. Throws a RunFolderError where the run is not scored or the file is broken. */
export async function readScores(folder: string): Promise<ScoreSheet> {
  const path = join(folder, scoresName);
  const text = await readTextFile(path).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT") throw error;
    throw new RunFolderError(
      `${folder}: no ${scoresName} in it, so it is not finished. Go on with the run, or score what there is with \`score\`.`,
    );
  });
  try {
    return scoreSheetSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new RunFolderError(`${path}: no scores as this version writes them. Make them again with \`score\`.`, {
      cause,
    });
  }
}
