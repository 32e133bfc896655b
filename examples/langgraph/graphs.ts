import { END, START, StateGraph } from "@langchain/langgraph";
import {
  coder,
  corrector,
  planner,
  repairer,
  solver,
  strategist,
  tester,
  verifier,
} from "../workflows/stage.ts";
import { questionOf, type Task } from "../workflows/task.ts";
import { nodesOf } from "./nodes.ts";
import { WorkflowState, type GraphSettings } from "./workflow-state.ts";

/** A compiled graph, as much of it as a caller needs. */
export interface WorkflowGraph {
  readonly kind: string;
  readonly play: (task: Task, workflowId: string) => Promise<WorkflowState>;
}

/** Planner, coder, a run on the example, checker, coder. */
export function codeGraph(settings: GraphSettings): WorkflowGraph {
  const kind = "planner-coder-qa-coder";
  const { stage, observe, check, report } = nodesOf(kind, settings);
  const graph = new StateGraph(WorkflowState)
    .addNode("plan", stage(planner))
    .addNode("write", stage(coder))
    .addNode("try", observe)
    .addNode("examine", stage(tester))
    .addNode("repair", stage(repairer))
    .addNode("check", check)
    .addNode("report", report)
    .addEdge(START, "plan")
    .addEdge("plan", "write")
    .addEdge("write", "try")
    .addEdge("try", "examine")
    .addEdge("examine", "repair")
    .addEdge("repair", "check")
    .addEdge("check", "report")
    .addEdge("report", END)
    .compile();
  return { kind, play: (task, workflowId) => graph.invoke(startOf(task, workflowId)) };
}

/** Planner, solver, verifier, solver. */
export function mathGraph(settings: GraphSettings): WorkflowGraph {
  const kind = "planner-solver-verifier-solver";
  const { stage, check, report } = nodesOf(kind, settings);
  const graph = new StateGraph(WorkflowState)
    .addNode("plan", stage(strategist))
    .addNode("solve", stage(solver))
    .addNode("verify", stage(verifier))
    .addNode("correct", stage(corrector))
    .addNode("check", check)
    .addNode("report", report)
    .addEdge(START, "plan")
    .addEdge("plan", "solve")
    .addEdge("solve", "verify")
    .addEdge("verify", "correct")
    .addEdge("correct", "check")
    .addEdge("check", "report")
    .addEdge("report", END)
    .compile();
  return { kind, play: (task, workflowId) => graph.invoke(startOf(task, workflowId)) };
}

function startOf(task: Task, workflowId: string): Partial<WorkflowState> {
  return { task, workflowId, history: [questionOf(task)] };
}
