/** One LLM call: who makes it, and what its system prompt says. */
export interface Stage {
  readonly role: string;
  readonly system: string;
  /** Sees how the program so far does on the task's example. */
  readonly observes?: true;
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

export const planner: Stage = {
  role: "planner",
  system:
    "You plan how to solve a programming task. Think about the input, the corner cases and the running time. " +
    "Give a short numbered plan and no code.",
};
export const coder: Stage = {
  role: "coder",
  system: `You solve a programming task. Follow the plan when there is one. ${PROGRAM}`,
};
export const tester: Stage = {
  role: "qa",
  system:
    "You check a program against its task. Use the observation of its run, look for wrong corner cases, and say " +
    "what to change. Do not write the program anew.",
  observes: true,
};
export const repairer: Stage = {
  role: "coder",
  system: `You correct a program by the words of the one who checked it. ${PROGRAM}`,
};
export const strategist: Stage = {
  role: "planner",
  system:
    "You plan how to solve a problem of mathematics. Name the quantities and the steps. Do not compute the answer.",
};
export const solver: Stage = {
  role: "solver",
  system: `You solve a problem of mathematics step by step. Follow the plan when there is one. ${ANSWER}`,
};
export const verifier: Stage = {
  role: "verifier",
  system:
    "You check a solution of a problem of mathematics. Repeat each step on your own and name the first one that is " +
    "wrong, or say that all are right.",
};
export const corrector: Stage = {
  role: "solver",
  system: `You give the final solution after a check of the first one. ${ANSWER}`,
};
