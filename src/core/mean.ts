/** A running mean that keeps moving: the first `memory` values count alike, later ones push old ones out. */
export class RunningMean {
  readonly #memory: number;
  #count = 0;
  #expected = 0;
  #value: number;

  /** `prior` is what `value` says before anything was seen; it carries no weight. */
  constructor(prior: number, memory: number) {
    this.#value = prior;
    this.#memory = memory;
  }

  get value(): number {
    return this.#value;
  }

  /** Values seen, at most `memory`. */
  get count(): number {
    return this.#count;
  }

  add(value: number): void {
    if (!Number.isFinite(value)) return;
    if (this.#count < this.#memory) this.#count++;
    this.#value += (value - this.#value) / this.#count;
  }

  /** Until something was seen, the value is the mean of what was expected. */
  expect(value: number): void {
    if (this.#count > 0 || !Number.isFinite(value)) return;
    this.#expected++;
    this.#value += (value - this.#value) / this.#expected;
  }
}
