import { TokenWindow } from "./token-window.ts";
import { Trend, type Signals, type TrendSums } from "./trend.ts";

/** The part of a series' own lengths between which its answers stay. */
const LOW = 0.05;
const HIGH = 0.95;

/** ln(1 + tokens) of a statistic, which is often what it was before the newest case. */
class LogOf {
  #tokens = 0;
  log = 0;

  take(tokens: number): void {
    if (tokens === this.#tokens) return;
    this.#tokens = tokens;
    this.log = Math.log1p(tokens);
  }
}

export interface LengthSeriesState {
  readonly tokens: readonly number[];
  readonly trend: TrendSums;
}

/** Lengths of one kind seen in one group: their distribution, and what moves them. Fixed memory. */
export class LengthSeries {
  readonly #window: TokenWindow;
  readonly #trend: Trend;
  readonly #median = new LogOf();
  readonly #mean = new LogOf();
  readonly #low = new LogOf();
  readonly #high = new LogOf();
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
    if (!this.#hasSummary) this.#summarise();
    return clamp(this.#median.log + shift, this.#low.log, this.#high.log);
  }

  /** ln(1 + mean), moved and held likewise. */
  logMean(shift: number): number {
    if (!this.#hasSummary) this.#summarise();
    return clamp(this.#mean.log + shift, this.#low.log, this.#high.log);
  }

  state(): LengthSeriesState {
    return { tokens: this.#window.entries(), trend: this.#trend.sums };
  }

  #summarise(): void {
    this.#median.take(this.#window.quantile(0.5));
    this.#mean.take(this.#window.mean);
    this.#low.take(this.#window.quantile(LOW));
    this.#high.take(this.#window.quantile(HIGH));
    this.#hasSummary = true;
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
