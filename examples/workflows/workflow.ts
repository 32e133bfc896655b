import {
  coder,
  corrector,
  planner,
  repairer,
  solver,
  strategist,
  tester,
  verifier,
  type Stage,
} from "./stage.ts";
import type { Task } from "./task.ts";

/** An ordered chain of stages; the last one that solves gives the answer. */
export interface Workflow {
  /** What `--workflow` and `x-chimera-workflow-kind` call it. */
  readonly name: string;
  readonly domain: Task["domain"];
  readonly stages: readonly Stage[];
}

/** The six of arXiv 2603.22206, three for code and three for mathematics. */
export const WORKFLOWS: readonly Workflow[] = [
  {
    name: "planner-coder-qa-coder",
    domain: "code",
    stages: [planner, coder, tester, repairer],
  },
  { name: "planner-coder", domain: "code", stages: [planner, coder] },
  { name: "coder", domain: "code", stages: [coder] },
  {
    name: "planner-solver-verifier-solver",
    domain: "math",
    stages: [strategist, solver, verifier, corrector],
  },
  { name: "planner-solver", domain: "math", stages: [strategist, solver] },
  { name: "solver", domain: "math", stages: [solver] },
];
