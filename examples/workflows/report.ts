import type { PlayedTask } from "./play.ts";

export const isSolved = (result: PlayedTask): boolean => result.ok && result.run.score === 1;

/** One task as a line: what came out, who served its stages, what it took. */
export function taskLine(result: PlayedTask): string {
  const name = result.task.id.padEnd(16);
  if (!result.ok) return `${name} failed      ${result.problem}`;
  const { stages, verdict } = result.run;
  const word = isSolved(result) ? "solved" : "not solved";
  const who = stages.map(({ role, model }) => `${role}: ${model}`).join(", ");
  return `${name} ${word.padEnd(10)}  ${verdict} | ${who} | ${tokensOf(result)} tokens, ${seconds(result.tookMs)}`;
}

/** The run as a whole. */
export function summaryLines(results: readonly PlayedTask[], tookMs: number): string[] {
  const runs = results.flatMap((result) => (result.ok ? [result.run] : []));
  const stages = runs.flatMap((run) => run.stages);
  const scores = runs.map(({ score }) => score);
  const mean = scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
  const tokens = results.reduce((sum, result) => sum + tokensOf(result), 0);
  return [
    `solved    ${results.filter(isSolved).length} of ${results.length}, mean score ${mean.toFixed(2)}, ${results.length - runs.length} failed`,
    `stages    ${stages.length}: ${counted(stages.map(({ model }) => model))}`,
    `tokens    ${tokens}`,
    `time      ${seconds(tookMs)}`,
    `feedback  ${feedbackWords(results)}`,
  ];
}

function feedbackWords(results: readonly PlayedTask[]): string {
  const outcomes = results.flatMap((result) => (result.ok ? [result.feedback] : []));
  if (outcomes.includes("absent")) return "skipped: this server has no /feedback";
  const problem = outcomes.find((outcome) => typeof outcome === "object");
  const stored = outcomes.filter((outcome) => outcome === "stored").length;
  return `${stored} stored${problem === undefined ? "" : `, others refused: ${problem.problem}`}`;
}

function tokensOf(result: PlayedTask): number {
  return result.ok ? result.run.stages.reduce((sum, stage) => sum + stage.outputTokens, 0) : 0;
}

function counted(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
