import type { View } from "../../src/core/view.ts";

/** Two minutes of an engine's load: seconds, and for each the requests that run and that wait. */
export type LoadSeries = [seconds: number[], running: number[], waiting: number[]];

export const HISTORY_SECONDS = 120;

/** What every engine's load was in the last two minutes. Engines that are gone are forgotten. */
export class LoadHistory {
  readonly #series = new Map<string, LoadSeries>();

  /** `seconds`: Unix time of the sample, later than that of the last one. */
  add(seconds: number, view: View): void {
    const gone = new Set(this.#series.keys());
    for (const { name, running, waiting } of view.engines) {
      gone.delete(name);
      const series = this.seriesOf(name);
      series[0].push(seconds);
      series[1].push(running);
      series[2].push(waiting);
      const old = series[0].findIndex((each) => each >= seconds - HISTORY_SECONDS);
      for (const values of series) values.splice(0, old);
      this.#series.set(name, series);
    }
    for (const name of gone) this.#series.delete(name);
  }

  seriesOf(engine: string): LoadSeries {
    return this.#series.get(engine) ?? [[], [], []];
  }
}
