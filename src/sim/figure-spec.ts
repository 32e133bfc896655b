import type { TopLevelSpec } from "vega-lite";
import { groupsOf, meanPointOf } from "./experiment-comparison.ts";
import type { Experiment } from "./experiment.ts";
import { QUANTILE_SHARES, type TrialResult } from "./experiment-run.ts";
import type { Figure } from "./figure.ts";
import { frontierOf } from "./frontier.ts";

/** Panels side by side; more would not fit a page. */
const COLUMNS = 2;
const PANEL = { width: 300, height: 220 } as const;

/** A policy in one panel: the means of its windows. */
interface MeanPoint {
  readonly panel: string;
  readonly family: string;
  readonly policy: string;
  readonly score: number;
  readonly msPerToken: number;
}

/** The figures of an experiment: the frontier where something is swept, and quantiles under load. */
export function figuresOf(experiment: Experiment, results: readonly TrialResult[]): Figure[] {
  const figures: Figure[] = [];
  const shown = shownResults(experiment, results);
  const isSwept = experiment.variants.some((variant) => variant.sweep !== null);
  if (isSwept || experiment.view === "paper") figures.push(frontierFigure(experiment, shown));
  if (experiment.view === "comparison") return figures;
  const single = new Set(
    experiment.variants.filter((each) => each.sweep === null).map((each) => each.label),
  );
  const fixed = shown.filter((result) => single.has(result.policy));
  return [...figures, latencyFigure(experiment, fixed), waitFigure(experiment, fixed)];
}

/** The smallest batch limit, and of the recorded runs the load nearest to 95 %. */
function shownResults(experiment: Experiment, results: readonly TrialResult[]): TrialResult[] {
  const limit = Math.min(...experiment.batchLimits);
  const rates = experiment.rates.map((rate) => rate.value);
  const nearest = rates.toSorted((a, b) => Math.abs(a - 0.95) - Math.abs(b - 0.95))[0];
  const rate = experiment.view === "paper" ? Math.max(...rates) : nearest;
  return results.filter(
    (each) =>
      each.batchLimit === limit && (experiment.view === "comparison" || each.rate.value === rate),
  );
}

function frontierFigure({ name }: Experiment, results: readonly TrialResult[]): Figure {
  const points = meanPoints(results);
  const swept = groupsOf(points, ({ panel, family }) => `${panel}\n${family}`);
  const lines = [...swept.values()].flatMap((group) => {
    const kept = new Set(frontierOf(group).map((point) => point.score));
    return group.length > 1 ? group.filter((point) => kept.has(point.score)) : [];
  });
  const x = { field: "msPerToken", type: "quantitative", title: "ms per output token" } as const;
  const y = { field: "score", type: "quantitative", title: "score" } as const;
  const color = { field: "family", type: "nominal", title: "policy" } as const;
  const log = { scale: { type: "log", nice: false } } as const;
  return {
    name: `${name}-frontier`,
    caption: "Score against time per token, means over windows; lines join the points of a sweep.",
    spec: panels(points, {
      layer: [
        {
          transform: [{ filter: { field: "joined", equal: true } }],
          mark: { type: "line", strokeWidth: 1 },
          encoding: {
            x: { ...x, ...log },
            y: { ...y, scale: { zero: false } },
            color,
            order: { field: "score", type: "quantitative" },
          },
        },
        {
          mark: { type: "point", filled: true, size: 45 },
          encoding: { x: { ...x, ...log }, y: { ...y, scale: { zero: false } }, color },
        },
      ],
      values: points.map((point) => ({ ...point, joined: lines.includes(point) })),
    }),
  };
}

function latencyFigure({ name }: Experiment, results: readonly TrialResult[]): Figure {
  const values = meanQuantiles(results, (each) => each.quantiles.msPerToken);
  return {
    name: `${name}-latency`,
    caption: "Time per output token by share of the workflows, means over windows.",
    spec: panels(values, {
      values,
      layer: [
        {
          mark: { type: "line", strokeWidth: 1.5 },
          encoding: {
            x: { field: "share", type: "quantitative", title: "share of the workflows" },
            y: {
              field: "value",
              type: "quantitative",
              title: "ms per output token",
              scale: { type: "log", nice: false },
            },
            color: { field: "policy", type: "nominal" },
          },
        },
      ],
    }),
  };
}

function waitFigure({ name }: Experiment, results: readonly TrialResult[]): Figure {
  const values = meanQuantiles(results, (each) =>
    each.quantiles.queueWaitMs.map((ms) => Math.max(SHOWN_WAIT_MS_MIN, ms)),
  ).map((each) => ({ ...each, value: each.value / 1000 }));
  return {
    name: `${name}-waits`,
    caption:
      "Time in queues, all stages of a workflow together: share that waited at most so long.",
    spec: panels(values, {
      values,
      layer: [
        {
          mark: { type: "line", strokeWidth: 1.5 },
          encoding: {
            x: {
              field: "value",
              type: "quantitative",
              title: "seconds in queues",
              scale: { type: "log", nice: false },
            },
            y: { field: "share", type: "quantitative", title: "share of the workflows" },
            color: { field: "policy", type: "nominal" },
            order: { field: "share", type: "quantitative" },
          },
        },
      ],
    }),
  };
}

/** Who waited less is drawn here: a logarithmic scale has no 0. */
const SHOWN_WAIT_MS_MIN = 10;

type FacetedSpec = Extract<TopLevelSpec, { facet: unknown; columns?: unknown }>;
type LayeredSpec = Extract<FacetedSpec["spec"], { layer: unknown }>;

interface PanelContent {
  readonly layer: LayeredSpec["layer"];
  readonly values: object[];
}

/** One panel for each workload and rate, each with scales of its own. */
function panels(
  points: readonly { readonly panel: string }[],
  content: PanelContent,
): TopLevelSpec {
  const names = [...new Set(points.map((point) => point.panel))];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "white",
    data: { values: content.values },
    facet: { field: "panel", type: "nominal", title: null, sort: names },
    columns: Math.min(COLUMNS, names.length),
    spec: { ...PANEL, layer: content.layer },
    resolve: { scale: { x: "independent", y: "independent" } },
  };
}

function panelOf({ workload, rate }: TrialResult): string {
  return rate.unit === "load"
    ? `${workload}, load ${rate.value}`
    : `${workload}, ${rate.value} calls/s`;
}

function meanPoints(results: readonly TrialResult[]): MeanPoint[] {
  const groups = groupsOf(results, (each) => `${panelOf(each)}\n${each.predictor}\n${each.policy}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    const point = meanPointOf(group);
    if (first === undefined || point === null) return [];
    return [{ panel: panelOf(first), family: first.family, policy: first.policy, ...point }];
  });
}

/** Geometric means, as with ratios. */
function meanQuantiles(
  results: readonly TrialResult[],
  valuesOf: (result: TrialResult) => readonly number[],
) {
  const groups = groupsOf(results, (each) => `${panelOf(each)}\n${each.policy}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    return QUANTILE_SHARES.map((share, place) => ({
      panel: panelOf(first),
      policy: first.policy,
      share,
      value: Math.exp(meanOf(group.map((each) => Math.log(valuesOf(each)[place] ?? 1)))),
    }));
  });
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
