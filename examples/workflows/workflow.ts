import type { Task } from "./task.ts";

/** One LLM call: who makes it, and what its system prompt says. */
export interface Stage {
  readonly role: string;
  readonly system: string;
  /** Sees how the program so far does on the task's example. */
  readonly observes?: true;
}

/** An ordered chain of stages; the last one that solves gives the answer. */
export interface Workflow {
  /** What `--workflow` and `x-chimera-workflow-kind` call it. */
  readonly name: string;
  readonly domain: Task["domain"];
  readonly stages: readonly Stage[];
}

/** Roles whose words hold the answer; the others plan or check. */
const ANSWERING: ReadonlySet<string> = new Set(["coder", "solver"]);

export function givesAnswer({ role }: Stage): boolean {
  return ANSWERING.has(role);
}

const PROGRAM =
  "Write one complete Python 3 program that reads standard input and prints only what the task asks for. " +
  "Put it in a fenced block that begins with ```python. Use nothing but the standard library.";
const ANSWER = "End with the answer alone inside \\boxed{}.";

const planner: Stage = {
  role: "planner",
  system:
    "You plan how to solve a programming task. Think about the input, the corner cases and the running time. " +
    "Give a short numbered plan and no code.",
};
const coder: Stage = {
  role: "coder",
  system: `You solve a programming task. Follow the plan when there is one. ${PROGRAM}`,
};
const tester: Stage = {
  role: "qa",
  system:
    "You check a program against its task. Use the observation of its run, look for wrong corner cases, and say " +
    "what to change. Do not write the program anew.",
  observes: true,
};
const repairer: Stage = {
  role: "coder",
  system: `You correct a program by the words of the one who checked it. ${PROGRAM}`,
};
const strategist: Stage = {
  role: "planner",
  system:
    "You plan how to solve a problem of mathematics. Name the quantities and the steps. Do not compute the answer.",
};
const solver: Stage = {
  role: "solver",
  system: `You solve a problem of mathematics step by step. Follow the plan when there is one. ${ANSWER}`,
};
const verifier: Stage = {
  role: "verifier",
  system:
    "You check a solution of a problem of mathematics. Repeat each step on your own and name the first one that is " +
    "wrong, or say that all are right.",
};
const corrector: Stage = {
  role: "solver",
  system: `You give the final solution after a check of the first one. ${ANSWER}`,
};

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
