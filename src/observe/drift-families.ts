import { Gauge, type Registry } from "prom-client";
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
  readonly #kendallDistance: Gauge<"model">;
  readonly #coverage: Gauge<"model">;
  readonly #calibrationError: Gauge<"model">;
  readonly #cases: Gauge<"model" | "of">;

  constructor(registry: Registry, labels: LabelCap) {
    const gauge = <Label extends string>(name: string, help: string, names: readonly Label[]) =>
      new Gauge<Label>({
        name: `chimera_prediction_${name}`,
        help,
        labelNames: [...names],
        registers: [registry],
      });
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
      const labels = { model: this.#labels.of("model", each.model) };
      if (each.kendallDistance !== null) this.#kendallDistance.set(labels, each.kendallDistance);
      if (each.coverage !== null) this.#coverage.set(labels, each.coverage);
      if (each.calibrationError !== null) this.#calibrationError.set(labels, each.calibrationError);
      this.#cases.inc({ ...labels, of: "lengths" }, each.lengths);
      this.#cases.inc({ ...labels, of: "scores" }, each.scores);
    }
  }
}
