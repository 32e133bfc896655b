import type { RequestTrace } from "./decision-ring.ts";
import { type GatewayError, gatewayError } from "./errors.ts";
import { isObject, parseJson } from "./inbound.ts";
import { clientWorkflowId, scopedWorkflowId } from "../workflow/identity.ts";

/** What a client says about how a workflow went. */
export interface Feedback {
  /** Scoped by API key. */
  readonly workflowId: string;
  /** 0..1. */
  readonly score: number;
  /** False: the workflow goes on, the score counts when it ends. */
  readonly final: boolean;
}

export interface FeedbackSink {
  findRequest(requestId: string, scope: string | null): RequestTrace | undefined;
  /** False when no such workflow is open. */
  accept(feedback: Feedback): boolean;
}

export interface FeedbackReceipt {
  readonly object: "chimera.feedback";
  readonly workflow_id: string;
  readonly score: number;
  readonly final: boolean;
}

export type FeedbackResult =
  | { readonly ok: true; readonly receipt: FeedbackReceipt }
  | { readonly ok: false; readonly error: GatewayError };

/** Takes `{"workflow_id" or "request_id", "score", "final"?}`: one workflow of the same key. */
export function takeFeedback(bytes: Buffer, scope: string, sink: FeedbackSink): FeedbackResult {
  const parsed = parseJson(bytes);
  if (parsed === null) return refused(gatewayError("invalid_json"));
  const body = parsed.value;
  if (!isObject(body)) return invalid(null, "The body must be an object.");
  const { workflow_id: named, request_id: requested, score, final = true } = body;
  if (typeof score !== "number" || !(score >= 0 && score <= 1)) {
    return invalid("score", "score must be a number from 0 to 1.");
  }
  if (typeof final !== "boolean") return invalid("final", "final must be a boolean.");
  if ((typeof named === "string") === (typeof requested === "string")) {
    return invalid(
      "workflow_id",
      "Exactly one of workflow_id and request_id must be given, as text.",
    );
  }
  const workflowId =
    typeof named === "string"
      ? scopedWorkflowId(scope, named)
      : sink.findRequest(String(requested), scope)?.workflowId;
  if (workflowId === undefined || !sink.accept({ workflowId, score, final })) {
    return refused(gatewayError("unknown_workflow"));
  }
  const receipt: FeedbackReceipt = {
    object: "chimera.feedback",
    workflow_id: clientWorkflowId(workflowId),
    score,
    final,
  };
  return { ok: true, receipt };
}

function invalid(param: string | null, detail: string): FeedbackResult {
  return refused(gatewayError("invalid_request", { param, detail }));
}

function refused(error: GatewayError): FeedbackResult {
  return { ok: false, error };
}
