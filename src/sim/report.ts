import type { SimulationResult } from "./simulation.ts";
import type { RunningWorkflow } from "./running-workflow.ts";

/** How one workflow went, live or simulated. Times in ms of the workload's own time. */
export interface WorkflowOutcome {
  readonly id: string;
  readonly taskId: string;
  /** Models that served it, in order of their first stage. */
  readonly models: readonly string[];
  readonly arrivalMs: number;
  readonly endMs: number;
  readonly outputTokens: number;
  /** 0..1; 0 when it failed. */
  readonly score: number;
  readonly queueWaitMs: number;
  readonly outcome: "completed" | "failed";
  /** Why it failed; null when it completed. */
  readonly reason: string | null;
  /** Stages that were completed. */
  readonly stages: number;
  /** Requests that were sent for them, retries included. */
  readonly requests: number;
}

/** A quantile is the nearest rank: of n sorted values the one at place ceil(q x n), from 1. */
export interface Distribution {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly longest: number;
}

/** What a policy did with a workload. Failed workflows score 0; times are those of completed ones. */
export interface PolicyReport {
  readonly policy: string;
  readonly workflows: number;
  readonly completed: number;
  /** Workflows by reason. */
  readonly failed: Readonly<Record<string, number>>;
  readonly scoreMean: number;
  /** (end - arrival) / output tokens of each workflow; null when none completed, as the next two. */
  readonly msPerToken: Distribution | null;
  readonly completionMs: Distribution | null;
  readonly queueWaitMs: Distribution | null;
  /** Model of the first stage, among workflows that had one. Shares of 1. */
  readonly modelShares: Readonly<Record<string, number>>;
  readonly requests: number;
}

export function reportOf(policy: string, outcomes: readonly WorkflowOutcome[]): PolicyReport {
  const completed = outcomes.filter((each) => each.outcome === "completed");
  const failed = outcomes.filter((each) => each.outcome === "failed");
  const models = outcomes.flatMap((each) => each.models.slice(0, 1));
  const modelShares = Object.entries(countsOf(models)).map(([model, count]) => [
    model,
    count / models.length,
  ]);
  return {
    policy,
    workflows: outcomes.length,
    completed: completed.length,
    failed: countsOf(failed.map((each) => each.reason ?? "unknown")),
    scoreMean: sum(completed.map((each) => each.score)) / Math.max(1, outcomes.length),
    msPerToken: distribution(
      completed.map((each) => (each.endMs - each.arrivalMs) / Math.max(1, each.outputTokens)),
    ),
    completionMs: distribution(completed.map((each) => each.endMs - each.arrivalMs)),
    queueWaitMs: distribution(completed.map((each) => each.queueWaitMs)),
    modelShares: Object.fromEntries(modelShares),
    requests: sum(outcomes.map((each) => each.requests)),
  };
}

/** The outcomes of a simulation, in the order of its workflows. Throws when one has not ended. */
export function outcomesOf(result: Pick<SimulationResult, "workflows">): WorkflowOutcome[] {
  return result.workflows.map(outcomeOf);
}

function outcomeOf(running: RunningWorkflow): WorkflowOutcome {
  const { workflow, endMs, outcome, outputTokens, queueWaitMs } = running;
  if (outcome === "open" || endMs === null) throw new Error(`${workflow.id} has not ended`);
  return {
    id: workflow.id,
    taskId: workflow.taskId,
    models: running.models,
    arrivalMs: workflow.arrivalMs,
    endMs,
    outputTokens,
    score: running.score,
    queueWaitMs,
    outcome,
    reason: outcome === "completed" ? null : running.failure,
    stages: running.completedStages,
    requests: running.begunStages,
  };
}

/** By name, in the order of the names. */
function countsOf(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function distribution(values: readonly number[]): Distribution | null {
  const sorted = values.toSorted((a, b) => a - b);
  const longest = sorted.at(-1);
  if (longest === undefined) return null;
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? longest;
  return {
    mean: sum(sorted) / sorted.length,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    longest,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

interface Column {
  readonly title: string;
  readonly cell: (report: PolicyReport, first: PolicyReport) => string;
}

/** Times in ms; speed and score difference are against the first line. */
const COLUMNS: readonly Column[] = [
  { title: "policy", cell: (report) => report.policy },
  { title: "workflows", cell: (report) => String(report.workflows) },
  { title: "failed", cell: (report) => String(report.workflows - report.completed) },
  { title: "ms/token", cell: (report) => number(report.msPerToken?.mean, 2) },
  { title: "p50", cell: (report) => number(report.msPerToken?.p50, 2) },
  { title: "p95", cell: (report) => number(report.msPerToken?.p95, 2) },
  { title: "p99", cell: (report) => number(report.msPerToken?.p99, 2) },
  { title: "speed", cell: speedOf },
  { title: "score", cell: (report) => number(report.scoreMean, 3) },
  { title: "score pp", cell: scoreDifference },
  { title: "completion ms", cell: (report) => number(report.completionMs?.mean, 0) },
  { title: "p95", cell: (report) => number(report.completionMs?.p95, 0) },
  { title: "p99", cell: (report) => number(report.completionMs?.p99, 0) },
  { title: "wait ms", cell: (report) => number(report.queueWaitMs?.mean, 0) },
  { title: "longest", cell: (report) => number(report.queueWaitMs?.longest, 0) },
  { title: "requests", cell: (report) => String(report.requests) },
];

/** A title line and one line a policy, in columns. Empty without reports. */
export function comparisonTable(reports: readonly PolicyReport[]): string[] {
  const [first] = reports;
  if (first === undefined) return [];
  const rows = reports.map((report) => COLUMNS.map(({ cell }) => cell(report, first)));
  const table = [COLUMNS.map(({ title }) => title), ...rows];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...table.map((row) => (row[column] ?? "").length)),
  );
  return table.map((row) =>
    row
      .map((text, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? text.padEnd(width) : text.padStart(width);
      })
      .join("  "),
  );
}

/** How many times as fast as the first, by mean ms per token. */
function speedOf(report: PolicyReport, first: PolicyReport): string {
  const own = report.msPerToken?.mean;
  const reference = first.msPerToken?.mean;
  if (own === undefined || reference === undefined || own === 0) return "-";
  return `x${(reference / own).toFixed(2)}`;
}

/** In percentage points. */
function scoreDifference(report: PolicyReport, first: PolicyReport): string {
  const points = ((report.scoreMean - first.scoreMean) * 100).toFixed(1);
  return points.startsWith("-") || Number(points) === 0 ? points : `+${points}`;
}

function number(value: number | undefined, digits: number): string {
  return value === undefined ? "-" : value.toFixed(digits);
}
