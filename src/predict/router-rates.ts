/**
 * Success rates by family and model, with their margins: (families + 2) x (models + 1) cells by rows.
 * The last row but one is of all other kinds, the last row of everything; the last column of all models.
 */
export interface RouterRates {
  readonly modelCount: number;
  readonly rows: Float64Array;
  readonly sums: Float64Array;
}

/** One known outcome. */
export interface RouterOutcome {
  /** Place of the family, or their number for other kinds. */
  readonly family: number;
  readonly model: number;
  /** 0..1. */
  readonly success: number;
}

/** Outcomes of its own that weigh as much in a rate as the coarser one it leans on. */
const LEANING_ROWS = 10;

export function fitRates(
  outcomes: Iterable<RouterOutcome>,
  familyCount: number,
  modelCount: number,
): RouterRates {
  const size = (familyCount + 2) * (modelCount + 1);
  const rates = { modelCount, rows: new Float64Array(size), sums: new Float64Array(size) };
  for (const { family, model, success } of outcomes) {
    for (const row of [family, familyCount + 1]) {
      for (const column of [model, modelCount]) {
        const cell = row * (modelCount + 1) + column;
        rates.rows[cell] = (rates.rows[cell] ?? 0) + 1;
        rates.sums[cell] = (rates.sums[cell] ?? 0) + success;
      }
    }
  }
  return rates;
}

/** Known outcomes of one model. */
export function knownOutcomes({ rows, modelCount }: RouterRates, model: number): number {
  return rows[rows.length - modelCount - 1 + model] ?? 0;
}

/**
 * The rate of one model in one family, leaning on the model's rate everywhere, that on the family's
 * over all models, and that on the rate of everything. Always within (0, 1).
 * @param model null for one that is not known: the family's rate.
 */
export function rateOf(rates: RouterRates, family: number, model: number | null): number {
  const { modelCount, rows } = rates;
  const everything = rows.length / (modelCount + 1) - 1;
  const overall = leaning(rates, everything, modelCount, 0.5);
  const ofFamily = leaning(rates, family, modelCount, overall);
  if (model === null) return ofFamily;
  return leaning(rates, family, model, leaning(rates, everything, model, ofFamily));
}

function leaning(
  { rows, sums, modelCount }: RouterRates,
  row: number,
  column: number,
  on: number,
): number {
  const cell = row * (modelCount + 1) + column;
  return ((sums[cell] ?? 0) + LEANING_ROWS * on) / ((rows[cell] ?? 0) + LEANING_ROWS);
}
