import { TokenWindow } from "./token-window.ts";
import { Trend, type Signals, type TrendSums } from "./trend.ts";

/** The part of a series' own lengths between which its answers stay. */
const LOW = 0.05;
const HIGH = 0.95;

/** Statistics of ln(1 + tokens), except `size`. */
interface LengthSummary {
  readonly median: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface LengthSeriesState {
  readonly tokens: readonly number[];
  readonly trend: TrendSums;
}

/** Lengths of one kind seen in one group: their distribution, and what moves them. Fixed memory. */
export class LengthSeries {
  readonly #window: TokenWindow;
  readonly #trend: Trend;
  #summary: LengthSummary | null = null;

  constructor(entriesMax: number, state?: LengthSeriesState) {
    this.#window = new TokenWindow(entriesMax);
    this.#trend = new Trend(entriesMax, state?.trend);
    for (const tokens of state?.tokens ?? []) this.#window.add(tokens);
  }

  get size(): number {
    return this.#window.size;
  }

  get meanTokens(): number {
    return this.#window.mean;
  }

  add(tokens: number, signals: Signals): void {
    this.#window.add(tokens);
    this.#trend.add(signals, Math.log1p(tokens));
    this.#summary = null;
  }

  /** How far the signals move this length, in units of ln. */
  shift(signals: Signals): number {
    return this.#trend.shift(signals);
  }

  /** ln(1 + median) moved by `shift`, within the series' own 5-95 % range. */
  logMedian(shift: number): number {
    const { median, low, high } = this.#summarise();
    return clamp(median + shift, low, high);
  }

  /** ln(1 + mean), moved and held likewise. */
  logMean(shift: number): number {
    const { mean, low, high } = this.#summarise();
    return clamp(mean + shift, low, high);
  }

  state(): LengthSeriesState {
    return { tokens: this.#window.entries(), trend: this.#trend.sums };
  }

  #summarise(): LengthSummary {
    this.#summary ??= {
      median: Math.log1p(this.#window.quantile(0.5)),
      mean: Math.log1p(this.#window.mean),
      low: Math.log1p(this.#window.quantile(LOW)),
      high: Math.log1p(this.#window.quantile(HIGH)),
    };
    return this.#summary;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
