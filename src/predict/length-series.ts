import { TokenWindow } from "./token-window.ts";
import { Trend, type Signals, type TrendSums } from "./trend.ts";

/** Where statistics stand side by side. */
const MEDIAN = 0;
const MEAN = 1;
const FIFTH = 2;
const NINETY_FIFTH = 3;

export interface LengthSeriesState {
  readonly tokens: readonly number[];
  readonly trend: TrendSums;
}

/** Lengths of one kind seen in one group: their distribution, and what moves them. Fixed memory. */
export class LengthSeries {
  readonly #window: TokenWindow;
  readonly #trend: Trend;
  readonly #tokens = new Float64Array(4);
  /** ln(1 + tokens). */
  readonly #logs = new Float64Array(4);
  #hasSummary = false;

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

  /** @param logTokens ln(1 + tokens) */
  add(tokens: number, logTokens: number, signals: Signals): void {
    this.#window.add(tokens);
    this.#trend.add(signals, logTokens);
    this.#hasSummary = false;
  }

  /** How far the signals move this length, in units of ln. */
  shift(signals: Signals): number {
    return this.#trend.shift(signals);
  }

  /** ln(1 + median) moved by `shift`, within the series' own 5-95 % range. */
  logMedian(shift: number): number {
    return this.#moved(MEDIAN, shift);
  }

  /** ln(1 + mean), moved and held likewise. */
  logMean(shift: number): number {
    return this.#moved(MEAN, shift);
  }

  state(): LengthSeriesState {
    return { tokens: this.#window.entries(), trend: this.#trend.sums };
  }

  #moved(statistic: number, shift: number): number {
    if (!this.#hasSummary) this.#summarise();
    const logs = this.#logs;
    return clamp((logs[statistic] ?? 0) + shift, logs[FIFTH] ?? 0, logs[NINETY_FIFTH] ?? 0);
  }

  #summarise(): void {
    this.#take(MEDIAN, this.#window.quantile(0.5));
    this.#take(MEAN, this.#window.mean);
    this.#take(FIFTH, this.#window.quantile(0.05));
    this.#take(NINETY_FIFTH, this.#window.quantile(0.95));
    this.#hasSummary = true;
  }

  /** Most statistics are what they were before the newest case. */
  #take(statistic: number, tokens: number): void {
    if (tokens === this.#tokens[statistic]) return;
    this.#tokens[statistic] = tokens;
    this.#logs[statistic] = Math.log1p(tokens);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
