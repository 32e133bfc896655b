import { NUMBER_CHOICES } from "../../src/core/rule.ts";
import { PRIORITY_CLASSES } from "../../src/core/types.ts";
import { REQUEST_PHASES } from "../../src/gateway/ui-request.ts";
import { count, listOf, object, orNull, type Part, ref, text } from "./wire-schemas.ts";

const number: Part = { type: "number" };
const ms: Part = { ...number, description: "Milliseconds on the gateway's clock." };
const share: Part = { type: "number", minimum: 0, maximum: 1 };
const truth: Part = { type: "boolean" };

const OUTCOMES = [
  "completed",
  "refused",
  "engine-failed",
  "client-gone",
  "queue-timeout",
  "queue-full",
  "shed",
  "deadline",
  "no-engine",
];

/** All fields of an object that the gateway itself writes are there. */
function whole(properties: Part): Part {
  return object(properties, Object.keys(properties));
}

const stageTimes = {
  arrivedMs: orNull(ms),
  dispatchedMs: orNull(ms),
  firstTokenMs: orNull(ms),
};

const requestRow = {
  requestId: text,
  workflowId: text,
  status: { enum: ["waiting", "running", ...OUTCOMES] },
  stage: orNull(count),
  class: orNull(ref("PriorityClass")),
  model: orNull(text),
  engine: orNull(text),
  rule: orNull(text),
  waitMs: orNull(number),
  predictedTokens: orNull(number),
  outputTokens: orNull(count),
  endedMs: orNull(ms),
};

/** What the gateway itself answers with. */
export const OWN_SCHEMAS: Part = {
  PriorityClass: { enum: [...PRIORITY_CLASSES] },
  Phase: { enum: [...REQUEST_PHASES] },
  Model: object(
    {
      id: text,
      object: { const: "model" },
      created: count,
      owned_by: text,
      candidates: listOf(text, { description: "Of virtual models." }),
    },
    ["id", "object", "created", "owned_by"],
  ),
  ModelList: whole({ object: { const: "list" }, data: listOf(ref("Model")) }),
  FeedbackRequest: object(
    {
      workflow_id: text,
      request_id: text,
      score: share,
      final: { ...truth, default: true, description: "False: the workflow goes on." },
    },
    ["score"],
    {
      description: "Exactly one of `workflow_id` and `request_id`.",
      oneOf: [{ required: ["workflow_id"] }, { required: ["request_id"] }],
    },
  ),
  Feedback: whole({
    object: { const: "chimera.feedback" },
    workflow_id: text,
    score: share,
    final: truth,
  }),
  Health: whole({ status: { const: "ok" } }),
  Readiness: object({ ready: truth, models: listOf(text), reason: text }, ["ready"], {
    description: "With API keys configured, only operators are told more than `ready`.",
  }),
  EngineView: whole({
    name: text,
    model: text,
    state: text,
    maxSequences: count,
    waiting: count,
    running: count,
    inFlightTokens: number,
    queuedTokens: number,
    heldTokens: number,
    promotions: count,
  }),
  View: whole({
    engines: listOf(ref("EngineView")),
    queuedByClass: whole({ system: count, interactive: count, default: count, bulk: count }),
    requests: count,
    stranded: count,
    workflows: count,
  }),
  Candidate: whole({
    engine: text,
    model: text,
    confidence: share,
    remainingTokens: number,
    inFlightTokens: number,
    waiting: count,
    running: count,
    waitMs: orNull(number),
    ownMs: orNull(number),
    delayMs: orNull(number),
    value: orNull(number),
    excluded: { enum: ["slack", "gain", "model", null] },
  }),
  Decision: whole({
    requestId: text,
    workflowId: text,
    stage: count,
    timeMs: ms,
    choice: text,
    rule: text,
    engine: text,
    model: text,
    confidence: share,
    remainingTokens: number,
    stageTokens: number,
    estimateSource: text,
    prediction: { enum: ["ready", "late", "failed", "not-asked"] },
    movedFrom: orNull(text),
    price: number,
    candidates: listOf(ref("Candidate")),
  }),
  RequestTrace: whole({
    requestId: text,
    workflowId: text,
    decision: orNull(ref("Decision")),
    outcome: orNull({ enum: OUTCOMES }),
    attempts: orNull(count),
    promptTokens: orNull(count),
    outputTokens: orNull(count),
    ...stageTimes,
    queuedMs: orNull(ms),
    endedMs: orNull(ms),
  }),
  RequestRow: whole(requestRow),
  RequestList: whole({ nowMs: ms, requests: listOf(ref("RequestRow"), { maxItems: 100 }) }),
  WorkflowRow: whole({
    workflowId: text,
    models: listOf(text),
    stages: count,
    open: count,
    failed: count,
    predictedTokens: orNull(number),
    outputTokens: count,
    waitMs: number,
    startedMs: orNull(ms),
    endedMs: orNull(ms),
    score: orNull(share),
  }),
  WorkflowList: whole({ nowMs: ms, workflows: listOf(ref("WorkflowRow")) }),
  WorkflowDetail: whole({
    nowMs: ms,
    workflow: ref("WorkflowRow"),
    stages: listOf(whole({ ...requestRow, ...stageTimes })),
  }),
  Predictions: whole({
    models: listOf(
      whole({
        model: text,
        lengths: count,
        kendallDistance: orNull(share),
        coverage: orNull(share),
        scores: count,
        calibrationError: orNull(share),
      }),
    ),
  }),
  Config: { type: "object", required: ["engines", "models", "policy"] },
  WhatIfRequest: object(
    {
      choice: { enum: [...NUMBER_CHOICES] },
      price: { type: "number", minimum: 0 },
      slack: orNull({ type: "number", minimum: 0 }),
      minGain: { type: "number", minimum: 0 },
      request_id: orNull(text),
    },
    [],
  ),
  WhatIf: whole({
    redecided: count,
    changed: count,
    fixed: { type: "object", additionalProperties: count },
    models: listOf(whole({ model: text, before: count, after: count })),
    confidence: ref("BeforeAfter"),
    expectedMs: ref("BeforeAfter"),
    rows: listOf(
      whole({ requestId: text, workflowId: text, before: ref("Served"), after: ref("Served") }),
    ),
    candidates: orNull(listOf(ref("Candidate"))),
  }),
  Served: whole({
    engine: text,
    model: text,
    rule: text,
    confidence: share,
    expectedMs: orNull(number),
  }),
  BeforeAfter: whole({ before: orNull(number), after: orNull(number) }),
};
