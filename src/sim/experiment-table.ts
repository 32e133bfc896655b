import type { Comparison } from "./experiment-comparison.ts";
import { summaryOf, summaryOfRatios, type Summary } from "./experiment-statistics.ts";

/** A Markdown table in columns; the first is text, the others are numbers. */
export function markdownTable(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = titles.map((_, column) =>
    Math.max(3, ...[titles, ...rows].map((cells) => (cells[column] ?? "").length)),
  );
  const padded = (text: string, column: number): string => {
    const width = widths[column] ?? 0;
    return column === 0 ? text.padEnd(width) : text.padStart(width);
  };
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [
    rowText(titles.map(padded)),
    rowText(rule),
    ...rows.map((cells) => rowText(cells.map(padded))),
  ];
}

function rowText(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Titles of `comparisonCells`. */
export const COMPARISON_TITLES: readonly string[] = [
  "speed",
  "95 %",
  "min-max",
  "score pp",
  "95 %",
  "min-max",
  "p95 speed",
  "longest wait",
];

/** Speed, score, p95 of completion and longest wait over windows: means, their intervals, the spread. */
export function comparisonCells(comparisons: readonly Comparison[]): string[] {
  const speed = summaryOfRatios(comparisons.map((each) => each.speed));
  const points = summaryOf(comparisons.map((each) => each.points));
  const p95 = summaryOfRatios(comparisons.map((each) => each.p95Speed));
  const waits = comparisons.flatMap((each) => {
    const { longestWait } = each;
    return longestWait === null || longestWait === 0 ? [] : [longestWait];
  });
  return [
    ratioText(speed?.mean),
    intervalText(speed, plain),
    spreadText(speed, plain),
    pointsText(points?.mean),
    intervalText(points, pointsText),
    spreadText(points, pointsText),
    ratioText(p95?.mean),
    ratioText(summaryOfRatios(waits)?.mean),
  ];
}

/** `x1.61`. */
export function ratioText(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? "-" : `x${plain(ratio)}`;
}

/** Percentage points with their sign. */
export function pointsText(points: number | null | undefined): string {
  if (points === null || points === undefined) return "-";
  const text = points.toFixed(1);
  if (Number(text) === 0) return "0.0";
  return text.startsWith("-") ? text : `+${text}`;
}

function intervalText(summary: Summary | null, text: (value: number) => string): string {
  return summary === null ? "-" : `${text(summary.low)} to ${text(summary.high)}`;
}

function spreadText(summary: Summary | null, text: (value: number) => string): string {
  return summary === null ? "-" : `${text(summary.least)} to ${text(summary.most)}`;
}

function plain(value: number): string {
  return value.toFixed(2);
}
