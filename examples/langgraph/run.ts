/** Plays one task of code and one of mathematics as graphs. Node 22.18 or newer runs it as it is. */
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { CODE_TASKS } from "../workflows/code-tasks.ts";
import { MATH_TASKS } from "../workflows/math-tasks.ts";
import { findPython } from "../workflows/program-run.ts";
import { codeGraph, mathGraph } from "./graphs.ts";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      "base-url": { type: "string", default: "http://127.0.0.1:8080/v1" },
      model: { type: "string", default: "chimera" },
      "max-tokens": { type: "string", default: "1024" },
    },
  });
  const python = await findPython();
  if (python === null) {
    throw new Error("tasks of code run Python programs, and there is no python3 on the path");
  }
  const settings = {
    baseUrl: values["base-url"],
    apiKey: process.env["OPENAI_API_KEY"] ?? "none",
    model: values.model,
    outputTokensMax: Number(values["max-tokens"]),
    python,
  };
  const games = [
    { graph: codeGraph(settings), task: CODE_TASKS[0] },
    { graph: mathGraph(settings), task: MATH_TASKS[0] },
  ];
  for (const { graph, task } of games) {
    if (task === undefined) continue;
    const end = await graph.play(task, `${graph.kind}-${randomUUID()}`);
    const word = end.score === 1 ? "solved" : "not solved";
    const who = end.served.join(", ");
    process.stdout.write(
      `${graph.kind} on ${task.id}: ${word}, ${end.verdict} | ${who} | feedback ${end.feedback}\n`,
    );
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
