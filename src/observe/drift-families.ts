import type { Families, Family, Tally } from "./family.ts";
import type { LabelCap } from "./label-cap.ts";

/** How good predictions for one model were lately; null where there is nothing to score. */
export interface DriftReading {
  readonly model: string;
  readonly lengths: number;
  readonly kendallDistance: number | null;
  readonly coverage: number | null;
  readonly scores: number;
  readonly calibrationError: number | null;
}

/** Gauges of the drift of predictions, read when metrics are asked for. */
export class DriftFamilies {
  readonly #labels: LabelCap;
  readonly #kendallDistance: Family<readonly ["model"], Tally>;
  readonly #coverage: Family<readonly ["model"], Tally>;
  readonly #calibrationError: Family<readonly ["model"], Tally>;
  readonly #cases: Family<readonly ["model", "of"], Tally>;

  constructor(families: Families, labels: LabelCap) {
    const gauge = <const Names extends readonly string[]>(
      name: string,
      help: string,
      names: Names,
    ): Family<Names, Tally> =>
      families.gauge({ name: `chimera_prediction_${name}`, help, labels: names });
    this.#labels = labels;
    this.#kendallDistance = gauge(
      "kendall_distance",
      "Share of pairs of newest stages whose remaining tokens were put in the wrong order",
      ["model"],
    );
    this.#coverage = gauge(
      "interval_coverage",
      "Share of newest stages whose remaining tokens lay in the predicted 10-90 % interval",
      ["model"],
    );
    this.#calibrationError = gauge(
      "calibration_error",
      "Expected calibration error of confidence over the newest workflows with a score",
      ["model"],
    );
    this.#cases = gauge("window_cases", "Newest cases that the drift of predictions is read from", [
      "model",
      "of",
    ]);
  }

  /** Models that have left the windows leave no gauge behind. */
  read(drift: readonly DriftReading[]): void {
    for (const gauge of [this.#kendallDistance, this.#coverage, this.#calibrationError]) {
      gauge.reset();
    }
    this.#cases.reset();
    for (const each of drift) {
      const model = this.#labels.of("model", each.model);
      if (each.kendallDistance !== null) this.#kendallDistance.of(model).set(each.kendallDistance);
      if (each.coverage !== null) this.#coverage.of(model).set(each.coverage);
      if (each.calibrationError !== null) {
        this.#calibrationError.of(model).set(each.calibrationError);
      }
      this.#cases.of(model, "lengths").add(each.lengths);
      this.#cases.of(model, "scores").add(each.scores);
    }
  }
}
