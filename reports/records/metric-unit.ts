/**
 * The units of metrics. Records hold a score as its metric gave it; this table says between which ends such a number lies and how
 * people are shown it. To add a unit, name it in the schema: the compiler then asks for its line in the table, and records,
 * statistics, tables and charts know it.
 */
import * as z from "zod";

/** `fraction`: a share of 1, such as accuracy; `cider`: CIDEr's own unit, in which people's captions reach about 1. */
export const metricUnitSchema = z.enum(["fraction", "cider"]);
export type MetricUnit = z.infer<typeof metricUnitSchema>;

/** What stands behind a shown score: each unit's own, for rows of a report name their unit by it. */
export const unitSignSchema = z.enum(["%", ""]);
export type UnitSign = z.infer<typeof unitSignSchema>;

interface UnitFacts {
  /** The highest score there is, where 0 is the lowest; null: scores have no such ends. */
  readonly highest: number | null;
  /** A score is shown times this, which makes it points; margins and differences are given in points, too. */
  readonly pointsPerUnit: number;
  readonly sign: UnitSign;
  /** Digits behind the point, in a table. */
  readonly digits: number;
  /** Digits behind the point of one sample's score. */
  readonly sampleDigits: number;
}

export const metricUnits: Readonly<Record<MetricUnit, UnitFacts>> = {
  // Two digits, as the official VQA evaluation prints (vqaEval.py, n=2). A sample's VQA accuracy is a multiple of 10 %.
  fraction: { highest: 1, pointsPerUnit: 100, sign: "%", digits: 2, sampleDigits: 0 },
  // Times 100, as papers quote CIDEr.
  cider: { highest: null, pointsPerUnit: 100, sign: "", digits: 2, sampleDigits: 1 },
};

export const unitsBySign: Readonly<Record<UnitSign, MetricUnit>> = { "%": "fraction", "": "cider" };

/** For records that do not say the unit of a score, which are history lines and bench points: both units above agree in it. */
export const pointsPerUnsaidUnit = 100;
