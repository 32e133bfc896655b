import type { Estimate } from "../core/types.ts";
import type { Estimator, Predictor, StageFacts, StageSeen, WorkflowSeen } from "./port.ts";
import type { ResidualCorrection } from "./residual-correction.ts";

/** Answers at once by another estimator, corrected by what has ended so far; both go on learning. */
export class CorrectedEstimator implements Estimator {
  readonly #given: Estimator;
  readonly #correction: ResidualCorrection;

  constructor(given: Estimator, correction: ResidualCorrection) {
    this.#given = given;
    this.#correction = correction;
  }

  estimate(facts: StageFacts, models: readonly string[]): Estimate[] {
    return this.#correction.correct(facts, this.#given.estimate(facts, models));
  }

  stageEnded(seen: StageSeen): void {
    this.#given.stageEnded(seen);
    this.#correction.stageEnded(seen);
  }

  workflowEnded(seen: WorkflowSeen): void {
    this.#given.workflowEnded(seen);
    this.#correction.workflowEnded(seen);
  }
}

/**
 * Answers later by another predictor, corrected by what has ended so far. What ends is told to the
 * correction by a `CorrectedEstimator` beside it that shares it.
 */
export class CorrectedPredictor implements Predictor {
  readonly name: string;
  readonly #given: Predictor;
  readonly #correction: ResidualCorrection;

  constructor(given: Predictor, correction: ResidualCorrection) {
    this.name = given.name;
    this.#given = given;
    this.#correction = correction;
  }

  async predict(
    facts: StageFacts,
    models: readonly string[],
    deadlineMs: number,
  ): Promise<Estimate[] | null> {
    const said = await this.#given.predict(facts, models, deadlineMs);
    return said === null ? null : this.#correction.correct(facts, said);
  }

  close(): Promise<void> {
    return this.#given.close();
  }
}
