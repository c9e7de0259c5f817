/** What the reference writes with shapes-itg, and how likely texts are there: see fixtures/itg/goldens.py. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { projectRoot } from "./project.ts";

export interface ItgGolden {
  /** Name of a file in val2014. */
  readonly image: string;
  readonly firstLogits: readonly number[];
  readonly logitsBehindWords: readonly number[];
  /** By number of beams. */
  readonly tokens: Readonly<Record<string, readonly number[]>>;
  /** Of three beams. */
  readonly text: string;
  /** Sums of log-likelihoods over a text's tokens and [SEP], and how many these are. */
  readonly likelihoods: readonly { readonly text: string; readonly sum: number; readonly tokens: number }[];
}

export const itgGoldens = JSON.parse(
  readFileSync(path.join(projectRoot, "test", "fixtures", "itg", "golden.json"), "utf8"),
) as readonly ItgGolden[];
