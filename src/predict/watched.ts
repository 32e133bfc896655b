import type { Estimate } from "../core/types.ts";
import { Drift } from "./drift.ts";
import type { Estimator, Predictor, StageFacts, StageSeen, WorkflowSeen } from "./port.ts";

export interface Watched {
  readonly drift: Drift;
  readonly estimator: Estimator;
  readonly predictor: Predictor | null;
}

/** An estimator, and the predictor that answers after it, with their drift measured. */
export function watched(estimator: Estimator, predictor: Predictor | null): Watched {
  const drift = new Drift();
  return {
    drift,
    estimator: new WatchedEstimator(estimator, drift),
    predictor: predictor === null ? null : new WatchedPredictor(predictor, drift),
  };
}

/** Another estimator, with everything that it says and sees shown to a drift. */
export class WatchedEstimator implements Estimator {
  readonly #given: Estimator;
  readonly #drift: Drift;

  constructor(given: Estimator, drift: Drift) {
    this.#given = given;
    this.#drift = drift;
  }

  estimate(facts: StageFacts, models: readonly string[]): Estimate[] {
    const estimates = this.#given.estimate(facts, models);
    this.#drift.predicted(facts, estimates);
    return estimates;
  }

  stageEnded(seen: StageSeen): void {
    this.#given.stageEnded(seen);
    this.#drift.stageEnded(seen);
  }

  workflowEnded(seen: WorkflowSeen): void {
    this.#given.workflowEnded(seen);
    this.#drift.workflowEnded(seen);
  }
}

/** Another predictor, with everything that it says shown to the drift of the estimator beside it. */
export class WatchedPredictor implements Predictor {
  readonly name: string;
  readonly #given: Predictor;
  readonly #drift: Drift;

  constructor(given: Predictor, drift: Drift) {
    this.name = given.name;
    this.#given = given;
    this.#drift = drift;
  }

  async predict(
    facts: StageFacts,
    models: readonly string[],
    deadlineMs: number,
  ): Promise<Estimate[] | null> {
    const estimates = await this.#given.predict(facts, models, deadlineMs);
    if (estimates !== null) this.#drift.predicted(facts, estimates);
    return estimates;
  }

  close(): Promise<void> {
    return this.#given.close();
  }
}
