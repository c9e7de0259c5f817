/**
 * The findings of an audit: whether answers of an optimised run equal those to samples asked one at a time, for each
 * checkpoint, precision and task.
 */

export const auditFormat = "blip2-bench-audit/1";

export interface Audit {
  readonly format: typeof auditFormat;
  /** Samples in a batch of the optimised run. */
  readonly batchSize: number;
  readonly tasks: readonly TaskAudit[];
}

export interface TaskAudit {
  readonly checkpoint: string;
  readonly precision: string;
  readonly task: string;
  readonly split: string;
  readonly samples: number;
  /** Samples that failed in one of the two runs. Samples that failed in both count as equal. */
  readonly failed: number;
  readonly differences: readonly AuditDifference[];
  /**
   * Largest difference over all samples, including those with equal answers: of answers' scores, or of similarities and
   * of what re-ranks, usually matching logits.
   */
  readonly largestScoreDifference: number;
  /** Why differences are expected in this precision; null: there must be none. */
  readonly expected: string | null;
}

/** A sample with different outcomes in the two runs. */
export interface AuditDifference {
  readonly id: string;
  /** What differs: the answer (for retrieval, the best text), or only its score. */
  readonly what: "answer" | "score";
  readonly plain: AuditOutcome;
  readonly fast: AuditOutcome;
}

export interface AuditOutcome {
  /** The answer; for retrieval the best text; for a failure its error. */
  readonly text: string;
  readonly tokens: readonly number[];
  readonly score: number | null;
}
