import { groupsOf } from "./experiment-comparison.ts";
import type { StageResult } from "./simulation.ts";
import type { Figure } from "./figure.ts";

/** One simulated run, stage by stage. */
export interface ObservedRun {
  /** Of the policy; names figures and titles. */
  readonly label: string;
  readonly batchLimit: number;
  /** In the order in which they ended. */
  readonly stages: readonly StageResult[];
}

/** Time slices over which the load of engines is averaged. */
const SLICES = 120;
/** Workflows of the timeline: enough to see queues, few enough to read. */
const SHOWN_WORKFLOWS = 40;
/** Points of the wait figure; a page need not hold them all. */
const SHOWN_POINTS_MAX = 600;
const SECOND_MS = 1000;
const WIDTH = 640;

/** Load of engines over time, a timeline of the busiest stretch, and who waited how long. */
export function runFigures(run: ObservedRun): Figure[] {
  return [loadFigure(run), timelineFigure(run), starvationFigure(run)];
}

interface LoadPoint {
  readonly engine: string;
  readonly seconds: number;
  /** Share of the batch limit. */
  readonly load: number;
}

/** Mean share of the batch limit that runs in each time slice. */
export function loadOf({ stages, batchLimit }: ObservedRun): LoadPoint[] {
  const endMs = Math.max(...stages.map((stage) => stage.endMs), 1);
  const sliceMs = endMs / SLICES;
  return [...groupsOf(stages, ({ engine }) => engine)].flatMap(([engine, own]) => {
    const busyMs = new Float64Array(SLICES);
    for (const stage of own) {
      const last = Math.min(SLICES - 1, Math.floor(stage.endMs / sliceMs));
      for (let slice = Math.floor(stage.startMs / sliceMs); slice <= last; slice++) {
        const from = Math.max(stage.startMs, slice * sliceMs);
        const to = Math.min(stage.endMs, (slice + 1) * sliceMs);
        busyMs[slice] = (busyMs[slice] ?? 0) + Math.max(0, to - from);
      }
    }
    return Array.from(busyMs, (ms, slice) => ({
      engine,
      seconds: ((slice + 0.5) * sliceMs) / SECOND_MS,
      load: ms / (sliceMs * batchLimit),
    }));
  });
}

function loadFigure(run: ObservedRun): Figure {
  return {
    name: `run-${slug(run.label)}-load`,
    caption: `Share of the batch limit that runs on each engine over time, ${run.label}.`,
    spec: {
      background: "white",
      width: WIDTH,
      height: 140,
      data: { values: loadOf(run) },
      mark: { type: "line", strokeWidth: 1.5 },
      encoding: {
        x: { field: "seconds", type: "quantitative", title: "seconds" },
        y: { field: "load", type: "quantitative", title: "load", scale: { domain: [0, 1.05] } },
        color: { field: "engine", type: "nominal" },
      },
    },
  };
}

interface WorkflowTime {
  readonly workflow: string;
  readonly readyMs: number;
  readonly waitMs: number;
  readonly servedMs: number;
  readonly stages: readonly StageResult[];
}

function workflowTimes(stages: readonly StageResult[]): WorkflowTime[] {
  return [...groupsOf(stages, ({ workflow }) => workflow)].map(([workflow, own]) => ({
    workflow,
    readyMs: Math.min(...own.map((stage) => stage.readyMs)),
    waitMs: sumOf(own.map((stage) => stage.startMs - stage.readyMs)),
    servedMs: sumOf(own.map((stage) => stage.endMs - stage.startMs)),
    stages: own,
  }));
}

/** Workflows that arrived one after the other, beside the one that waited longest. */
function timelineFigure({ label, stages }: ObservedRun): Figure {
  const rising = workflowTimes(stages).toSorted((a, b) => a.readyMs - b.readyMs);
  const longest = rising.reduce((at, each, index) => {
    return each.waitMs > (rising[at]?.waitMs ?? 0) ? index : at;
  }, 0);
  const from = Math.max(
    0,
    Math.min(longest - SHOWN_WORKFLOWS / 2, rising.length - SHOWN_WORKFLOWS),
  );
  const shown = rising.slice(from, from + SHOWN_WORKFLOWS);
  const bars = shown.flatMap(({ workflow, stages: own }) =>
    own.flatMap((stage) => [
      { workflow, what: "waits", from: stage.readyMs / SECOND_MS, to: stage.startMs / SECOND_MS },
      {
        workflow,
        what: stage.engine,
        from: stage.startMs / SECOND_MS,
        to: stage.endMs / SECOND_MS,
      },
    ]),
  );
  const engines = [...new Set(stages.map(({ engine }) => engine))].sort();
  const colours = ["#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2"];
  return {
    name: `run-${slug(label)}-timeline`,
    caption:
      `${shown.length} workflows in order of arrival around the one that waited longest, ${label}: ` +
      "grey is waiting, gaps are tools.",
    spec: {
      background: "white",
      width: WIDTH,
      height: { step: 9 },
      data: { values: bars },
      mark: { type: "bar", height: 7 },
      encoding: {
        x: { field: "from", type: "quantitative", title: "seconds", scale: { zero: false } },
        x2: { field: "to" },
        y: {
          field: "workflow",
          type: "nominal",
          sort: null,
          axis: { labels: false, ticks: false },
        },
        color: {
          field: "what",
          type: "nominal",
          title: null,
          scale: { domain: ["waits", ...engines], range: ["#d3d3d3", ...colours] },
        },
      },
    },
  };
}

function starvationFigure({ label, stages }: ObservedRun): Figure {
  const times = workflowTimes(stages);
  const step = Math.max(1, Math.ceil(times.length / SHOWN_POINTS_MAX));
  // The longest waits are what the figure is for: they are always there.
  const values = times
    .toSorted((a, b) => b.waitMs - a.waitMs)
    .filter((_, place) => place < SHOWN_POINTS_MAX / 10 || place % step === 0)
    .map(({ waitMs, servedMs }) => ({ served: servedMs / SECOND_MS, waited: waitMs / SECOND_MS }));
  return {
    name: `run-${slug(label)}-starvation`,
    caption: `Seconds in queues against seconds in service, one point a workflow, ${label}.`,
    spec: {
      background: "white",
      width: WIDTH,
      height: 200,
      data: { values },
      mark: { type: "point", filled: true, size: 18, opacity: 0.6 },
      encoding: {
        x: { field: "served", type: "quantitative", title: "seconds in service" },
        y: { field: "waited", type: "quantitative", title: "seconds in queues" },
      },
    },
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function slug(label: string): string {
  return label.replaceAll(/[^a-z0-9]+/gi, "-");
}
