/**
 * The units of metrics. Records hold scores as their metrics returned them; this table gives the range of such numbers
 * and how they are shown to people. To add a unit, name it in the schema: the compiler then requires its line in the
 * table, and records, statistics, tables and charts support it.
 */
import * as z from "zod";

/** `fraction`: a share of 1, such as accuracy; `cider`: CIDEr's own unit, in which human captions reach about 1. */
export const metricUnitSchema = z.enum(["fraction", "cider"]);
export type MetricUnit = z.infer<typeof metricUnitSchema>;

/** The sign after a shown score. It must differ between units, since rows of a report identify their unit by it. */
export const unitSignSchema = z.enum(["%", ""]);
export type UnitSign = z.infer<typeof unitSignSchema>;

interface UnitFacts {
  /** The highest possible score, if 0 is the lowest; null: scores have no such limits. */
  readonly highest: number | null;
  /** Factor that turns a score into points, in which scores, margins and differences are shown. */
  readonly pointsPerUnit: number;
  readonly sign: UnitSign;
  /** Decimals of a score in a table. */
  readonly digits: number;
  /** Decimals of the score of one sample. */
  readonly sampleDigits: number;
}

export const metricUnits: Readonly<Record<MetricUnit, UnitFacts>> = {
  // Two digits, as the official VQA evaluation prints (vqaEval.py, n=2). A sample's VQA accuracy is a multiple of 10 %.
  fraction: { highest: 1, pointsPerUnit: 100, sign: "%", digits: 2, sampleDigits: 0 },
  // Times 100, as papers quote CIDEr.
  cider: { highest: null, pointsPerUnit: 100, sign: "", digits: 2, sampleDigits: 1 },
};

export const unitsBySign: Readonly<Record<UnitSign, MetricUnit>> = { "%": "fraction", "": "cider" };

/**
 * Points for each unit in records that do not name the unit (history lines and bench points). Both units above have
 * this factor.
 */
export const pointsPerUnsaidUnit = 100;
