import type { Histogram, Meter } from "@opentelemetry/api";
import type { StageRecord } from "../core/command.ts";
import { metricAttributes } from "./telemetry-names.ts";
import type { Operation } from "./telemetry-port.ts";

/** Boundaries that the GenAI conventions give. */
const REQUEST_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48];
const FIRST_TOKEN_SECONDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576];

/** The histograms of a model server, by OpenTelemetry's names. */
export class TelemetryMetrics {
  readonly #duration: Histogram;
  readonly #firstToken: Histogram;
  readonly #perToken: Histogram;
  readonly #tokens: Histogram;

  constructor(meter: Meter) {
    const create = (name: string, unit: string, boundaries: number[]): Histogram =>
      meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries: boundaries } });
    this.#duration = create("gen_ai.server.request.duration", "s", REQUEST_SECONDS);
    this.#firstToken = create("gen_ai.server.time_to_first_token", "s", FIRST_TOKEN_SECONDS);
    this.#perToken = create("gen_ai.server.time_per_output_token", "s", TOKEN_SECONDS);
    this.#tokens = create("gen_ai.client.token.usage", "{token}", TOKENS);
  }

  observe(operation: Operation, record: StageRecord): void {
    const labels = metricAttributes(operation, record);
    const { arrivedMs, firstTokenMs, endedMs, outputTokens, promptTokens } = record;
    this.#duration.record((endedMs - arrivedMs) / 1000, labels);
    if (record.outcome !== "completed") return;
    this.#tokens.record(promptTokens, { ...labels, "gen_ai.token.type": "input" });
    this.#tokens.record(outputTokens, { ...labels, "gen_ai.token.type": "output" });
    if (firstTokenMs === null) return;
    this.#firstToken.record((firstTokenMs - arrivedMs) / 1000, labels);
    if (outputTokens < 2) return;
    this.#perToken.record((endedMs - firstTokenMs) / 1000 / (outputTokens - 1), labels);
  }
}
