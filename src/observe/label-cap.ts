/** What stands for every value beyond the cap. */
export const OTHER_LABEL = "other";

/**
 * Bounds the values of metric labels: the first `valuesMax` of each label are kept, the rest become
 * `other`, so that no client or configuration can grow the metrics without end.
 */
export class LabelCap {
  readonly #valuesMax: number;
  readonly #values = new Map<string, Set<string>>();

  constructor(valuesMax: number) {
    this.#valuesMax = valuesMax;
  }

  of(label: string, value: string): string {
    let values = this.#values.get(label);
    if (values === undefined) this.#values.set(label, (values = new Set()));
    if (values.has(value)) return value;
    if (values.size >= this.#valuesMax) return OTHER_LABEL;
    values.add(value);
    return value;
  }
}
