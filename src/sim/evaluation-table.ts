import type { ScoreInterval } from "../learn/resample.ts";
import { markdownTable } from "./experiment-table.ts";
import type { LengthEvaluation, LengthScoreRow } from "./length-evaluation.ts";
import type { RouterComparison, RouterEvaluation, RouterScoreRow } from "./router-evaluation.ts";
import type { SetScores } from "./router-scores.ts";

/** The tables of an evaluation, as lines of Markdown. */
export function lengthTables({ scores, fewRuns, few }: LengthEvaluation): string[] {
  const lines: string[] = [];
  for (const set of namesOf(scores)) {
    const own = scores.filter((row) => row.set === set);
    const all = own.filter(({ of }) => of === "all");
    lines.push(
      `### ${set}: ${all[0]?.rows ?? 0} stages`,
      "",
      ...markdownTable(
        ["Kendall distance [95 %]", "inside each model", "inside model, role, stage", "10-90 %"],
        all.map((row) => [
          row.predictor,
          intervalText(row.insideModel),
          intervalText(row.insideStage),
          digits(row.cover),
        ]),
      ),
      "",
      ...breakdown(own, "model", (row) => intervalText(row.insideModel)),
      "",
      ...breakdown(own, "stage", (row) => intervalText(row.insideStage)),
      "",
    );
  }
  const orders = [...new Set(few.map(({ order }) => order))];
  if (orders.length === 0) return lines;
  const rows = [...new Set(few.map(({ set }) => set))].map((set) => [
    set,
    ...orders.map((order) => {
      const row = few.find((each) => each.set === set && each.order === order);
      return digits(row?.insideModel ?? null);
    }),
  ]);
  const titles = [`first ${fewRuns} runs`, ...orders.map((order) => `order ${order}`)];
  return [...lines, "### Few runs, of all sets mixed", "", ...markdownTable(titles, rows)];
}

function breakdown(
  rows: readonly LengthScoreRow[],
  of: LengthScoreRow["of"],
  cell: (row: LengthScoreRow) => string,
): string[] {
  const own = rows.filter((row) => row.of === of);
  const predictors = [...new Set(own.map(({ predictor }) => predictor))];
  const names = [...new Set(own.map(({ name }) => name))];
  return markdownTable(
    [of, "stages", ...predictors, "10-90 % (default)"],
    names.map((name) => {
      const cells = own.filter((row) => row.name === name);
      const ours = cells.find(({ predictor }) => predictor === "default recipe");
      return [name, String(cells[0]?.rows ?? 0), ...cells.map(cell), digits(ours?.cover ?? null)];
    }),
  );
}

/** Scores of a set, with intervals where a reader would compare them. */
const SET_COLUMNS: readonly (readonly [title: string, score: keyof SetScores])[] = [
  ["mAP", "averagePrecision"],
  ["ECE", "calibrationError"],
  ["Brier", "brier"],
  ["AUROC", "areaUnderRoc"],
  ["APGR", "gapRecovered"],
  ["gain corr.", "gainCorrelation"],
];

export function routerTables({ scores, comparisons, newModels }: RouterEvaluation): string[] {
  const lines: string[] = [];
  for (const set of namesOf(scores)) {
    const own = scores.filter((row) => row.set === set);
    const all = own.filter(({ model }) => model === null);
    lines.push(
      `### ${set}: ${all[0]?.rows ?? 0} runs`,
      "",
      ...markdownTable(
        ["[95 %]", ...SET_COLUMNS.map(([title]) => title)],
        all.map(({ predictor, scores: of }) => [
          predictor,
          ...SET_COLUMNS.map(([, score]) => intervalText(of[score] ?? null)),
        ]),
      ),
      "",
      ...modelTable(own),
      "",
      ...comparisons.filter((each) => each.set === set).map(comparisonLine),
      ...newModels
        .filter((each) => each.set === set)
        .map(
          ({ model, seen, unseen }) =>
            `- ${model} with its outcomes: AUROC ${digits(seen.areaUnderRoc)}, Brier ` +
            `${digits(seen.brier)}; as a new model: ${digits(unseen.areaUnderRoc)}, ${digits(unseen.brier)}`,
        ),
      "",
    );
  }
  return lines;
}

function modelTable(rows: readonly RouterScoreRow[]): string[] {
  const own = rows.filter(({ model }) => model !== null);
  const predictors = [...new Set(own.map(({ predictor }) => predictor))].filter(
    (predictor) => !/^(constants|truth)/.test(predictor),
  );
  return markdownTable(
    ["AUROC", "runs", ...predictors],
    [...new Set(own.map(({ model }) => model ?? ""))].map((model) => {
      const cells = own.filter((row) => row.model === model);
      return [
        model,
        String(cells[0]?.rows ?? 0),
        ...predictors.map((predictor) =>
          intervalText(
            cells.find((row) => row.predictor === predictor)?.scores.areaUnderRoc ?? null,
          ),
        ),
      ];
    }),
  );
}

/** Says whether a router is told apart from a rate. */
function comparisonLine({ router, rate, score, difference }: RouterComparison): string {
  const { low, high } = difference;
  const says = low > 0 ? "better" : high < 0 ? "WORSE" : "NOT told apart";
  const title = SET_COLUMNS.find(([, name]) => name === score)?.[0] ?? score;
  return `- ${router} against ${rate}: ${title} ${says} (${signed(low)} to ${signed(high)})`;
}

function namesOf(rows: readonly { readonly set: string }[]): string[] {
  return [...new Set(rows.map(({ set }) => set))];
}

function intervalText(interval: ScoreInterval | null): string {
  if (interval === null) return "-";
  const { value, low, high } = interval;
  return `${digits(value)} [${digits(low)}, ${digits(high)}]`;
}

function digits(value: number | null): string {
  return value === null ? "-" : value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;
}
