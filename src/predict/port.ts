import type { Estimate, Outcome } from "../core/types.ts";

/**
 * What a predictor may look at before a stage starts. Gateway and simulator build it the same way;
 * it holds nothing of the stage's own output, of later stages or of the outcome.
 */
export interface StageFacts {
  readonly workflowId: string;
  /** Kind of workflow: named by the client, else a fingerprint of its template; "unknown" when neither is there. */
  readonly kind: string;
  readonly role: string | null;
  /** From 0. */
  readonly stage: number;
  /** The name the client asked for. */
  readonly pool: string;
  readonly promptTokens: number;
  readonly systemTokens: number;
  readonly userTokens: number;
  readonly outputTokensMax: number | null;
  /** Said by the client: output tokens of this call, and calls left after it. */
  readonly expectedOutputTokens: number | null;
  readonly callsLeft: number | null;
  /** Output tokens of the workflow's finished stages, oldest first; the last 32 at most. */
  readonly producedTokens: readonly number[];
  /** Text for learned predictors; null where it is not kept. Characters are bounded by the driver. */
  readonly text: StageText | null;
}

export interface StageText {
  readonly system: string;
  /** The first user message: the task. */
  readonly user: string;
  /** The newest messages after the task, for what has happened since; oldest first. */
  readonly recent: readonly { readonly role: string; readonly content: string }[];
}

/** A stage as it ended. */
export interface StageSeen {
  readonly facts: StageFacts;
  readonly model: string;
  readonly outcome: Outcome;
  readonly outputTokens: number;
}

/** A workflow as it ended: its completed stages in order, each with the model that served it. */
export interface WorkflowSeen {
  readonly kind: string;
  readonly stages: readonly StageSeen[];
  /** 0..1, or null where no outcome was reported. */
  readonly score: number | null;
}

/** Answers at once from what it has seen. Never throws. */
export interface Estimator {
  /** One estimate per model, in the order given. */
  estimate(facts: StageFacts, models: readonly string[]): Estimate[];
  stageEnded(seen: StageSeen): void;
  workflowEnded(seen: WorkflowSeen): void;
}

/** What an estimator learned while serving, which outlives the process. */
export interface Learner {
  /** Prior probabilities of solving a task, by model, from now on. */
  expect(confidence: Readonly<Record<string, number>>): void;
  /** JSON, bounded by the estimator's own limits. */
  snapshot(): unknown;
  /** Takes the place of all that was learned; false, and nothing changes, where it is none of its snapshots. */
  restore(json: unknown): boolean;
}

/**
 * Answers later, from another thread. The caller holds the deadline: an answer that comes after it
 * is thrown away. `null` says that no prediction could be made.
 */
export interface Predictor {
  readonly name: string;
  predict(
    facts: StageFacts,
    models: readonly string[],
    deadlineMs: number,
  ): Promise<Estimate[] | null>;
  close(): Promise<void>;
}
