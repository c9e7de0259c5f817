/** What an audit found: whether the fast way gives what the plain one gives, of each checkpoint, precision and task. */

export const auditFormat = "blip2-bench-audit/1";

export interface Audit {
  readonly format: typeof auditFormat;
  /** Samples a batch, of the fast way. */
  readonly batchSize: number;
  readonly tasks: readonly TaskAudit[];
}

export interface TaskAudit {
  readonly checkpoint: string;
  readonly precision: string;
  readonly task: string;
  readonly split: string;
  readonly samples: number;
  /** Samples that one of the two ways could not do. Where neither could, they agree. */
  readonly failed: number;
  readonly differences: readonly AuditDifference[];
  /** Of all samples, those whose answers are the same included: scores of answers, or similarities and matching logits. */
  readonly largestScoreDifference: number;
  /** Why differences are to be expected in this precision; null: there must be none. */
  readonly expected: string | null;
}

/** One sample with two outcomes. */
export interface AuditDifference {
  readonly id: string;
  /** What is other: what is answered, or the best text; or its score alone. */
  readonly what: "answer" | "score";
  readonly plain: AuditOutcome;
  readonly fast: AuditOutcome;
}

export interface AuditOutcome {
  /** The answer; of retrieval the best text; of a failure its error. */
  readonly text: string;
  readonly tokens: readonly number[];
  readonly score: number | null;
}
