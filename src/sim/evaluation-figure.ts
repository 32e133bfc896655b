import type { ScoreInterval } from "../learn/resample.ts";
import type { Figure } from "./figure.ts";
import type { LengthEvaluation } from "./length-evaluation.ts";
import type { RouterEvaluation } from "./router-evaluation.ts";

interface Bar {
  readonly set: string;
  readonly predictor: string;
  readonly score: ScoreInterval | null;
}

/** Kendall distance inside each model, by set. */
export function lengthFigure({ scores }: LengthEvaluation): Figure {
  const bars = scores
    .filter(({ of }) => of === "all")
    .map(({ set, predictor, insideModel }) => ({ set, predictor, score: insideModel }));
  const caption = "Kendall distance of remaining lengths inside each model, 95 % by problem.";
  return { name: "eval-length", caption, spec: barSpec(bars, "Kendall distance (less is better)") };
}

/** Mean average precision, by set. */
export function routerFigure({ scores }: RouterEvaluation): Figure {
  const bars = scores
    .filter(({ model, predictor }) => model === null && predictor !== "truth*")
    .map(({ set, predictor, scores: of }) => ({
      set,
      predictor,
      score: of.averagePrecision ?? null,
    }));
  const caption = "Mean average precision of the confidence, 95 % by problem.";
  return { name: "eval-router", caption, spec: barSpec(bars, "mean average precision") };
}

function barSpec(bars: readonly Bar[], title: string): Figure["spec"] {
  const values = bars.flatMap(({ set, predictor, score }) =>
    score === null ? [] : [{ set, predictor, ...score }],
  );
  const predictors = [...new Set(values.map(({ predictor }) => predictor))];
  const y = { field: "predictor", type: "nominal", title: null, sort: predictors } as const;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    data: { values },
    facet: { field: "set", type: "nominal", title: null },
    columns: 2,
    spec: {
      width: 260,
      layer: [
        {
          mark: { type: "rule" },
          encoding: {
            y,
            x: { field: "low", type: "quantitative", title, scale: { zero: false } },
            x2: { field: "high" },
          },
        },
        {
          mark: { type: "point", filled: true, size: 60 },
          encoding: { y, x: { field: "value", type: "quantitative", scale: { zero: false } } },
        },
      ],
    },
  };
}
