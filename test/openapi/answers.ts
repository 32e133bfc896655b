import { ERRORS, type ErrorCode } from "../../src/gateway/errors.ts";
import { type Part, ref, text } from "./wire-schemas.ts";

const header = (description: string, schema: Part = text): Part => ({ description, schema });

/** Headers that answers of engines have beside their own; times in ms, lengths in tokens. */
export const HEADERS: Part = {
  RequestId: header("The request's id, for feedback and `/v1/chimera/decisions/{id}`."),
  WorkflowId: header("The workflow, given or recognised."),
  Model: header("The model that served."),
  Engine: header("The engine that served."),
  Rule: header("The rule that chose it."),
  Confidence: header("That the model solves the task, 0 to 1."),
  PredictedTokens: header("Output tokens that the workflow was expected to need from here on."),
  QueueWaitMs: header("How long the request waited."),
  Attempts: header("Times that it was sent to an engine."),
  Prediction: header("`ready`, `late`, `failed` or `not-asked`."),
  EstimateSource: header("What the estimate comes from."),
  RetryAfter: header("Seconds after which another try makes sense."),
  ShouldRetry: header("`false` where another try makes no sense."),
};

const named = (name: string): Part => ({ $ref: `#/components/headers/${name}` });

/** What may go wrong on every path that an engine answers. */
export const RELAY_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_request",
  "invalid_api_key",
  "model_not_found",
  "queue_timeout",
  "body_too_large",
  "unsupported_encoding",
  "queue_full",
  "rate_limit_exceeded",
  "concurrency_exceeded",
  "internal_error",
  "engine_failed",
  "engine_incomplete",
  "engine_full",
  "no_engine",
  "shed",
  "deadline_unreachable",
  "shutting_down",
  "engine_timeout",
];

/** Answers by the statuses that the codes have. */
export function errors(codes: readonly ErrorCode[], schema: string = "Error"): Part {
  const statuses = codes.map((code) => String(ERRORS[code].status));
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${schema}${status}` }]),
  );
}

/** For each shape and status of an error, the codes that have it. */
export function errorResponses(): Part {
  const responses: Record<string, Part> = {};
  for (const schema of ["Error", "AnthropicError"]) {
    for (const { status } of Object.values(ERRORS)) {
      const same = Object.entries(ERRORS).filter(([, each]) => each.status === status);
      const description = same.map(([code, { message }]) => `\`${code}\`: ${message}`).join(" ");
      responses[`${schema}${status}`] = failure(description, schema);
    }
    responses[`${schema}OfEngine`] = failure(
      "The engine's own refusal, with its status and in its words.",
      schema,
    );
  }
  return responses;
}

export function json(description: string, schema: string, headers: Part = {}): Part {
  return { description, headers, content: { "application/json": { schema: ref(schema) } } };
}

/** What an engine made: one JSON object, or a stream of events where the request asked for one. */
export function served(schema: string, streams: boolean): Part {
  const events = { "text/event-stream": {} };
  return {
    description: streams ? "The answer, or with `stream` its events." : "The answer.",
    headers: {
      "x-request-id": named("RequestId"),
      "x-chimera-workflow-id": named("WorkflowId"),
      "x-chimera-model": named("Model"),
      "x-chimera-engine": named("Engine"),
      "x-chimera-rule": named("Rule"),
      "x-chimera-confidence": named("Confidence"),
      "x-chimera-predicted-tokens": named("PredictedTokens"),
      "x-chimera-queue-wait-ms": named("QueueWaitMs"),
      "x-chimera-attempts": named("Attempts"),
      "x-chimera-prediction": named("Prediction"),
      "x-chimera-estimate-source": named("EstimateSource"),
    },
    content: { "application/json": { schema: ref(schema) }, ...(streams ? events : {}) },
  };
}

function failure(description: string, schema: string): Part {
  const headers = {
    "x-request-id": named("RequestId"),
    "retry-after": named("RetryAfter"),
    "x-should-retry": named("ShouldRetry"),
  };
  return json(description, schema, headers);
}

const own = (name: string, description: string, schema: Part): Part => ({
  name,
  in: "header",
  description,
  schema,
});
const whole = (maximum: number): Part => ({ type: "integer", minimum: 0, maximum });
const id: Part = {
  type: "string",
  description:
    "1 to 255 characters, none of them a control character; else it counts as not given.",
};

/** What a client may tell of its workflow, all of it optional. */
export const PARAMETERS: Readonly<Record<string, Part>> = {
  WorkflowId: own("x-chimera-workflow-id", "The workflow that the request is a stage of.", id),
  ParentWorkflowId: own("x-chimera-parent-workflow-id", "The workflow that started it.", id),
  WorkflowKind: own("x-chimera-workflow-kind", "What sort of workflow it is.", id),
  Role: own("x-chimera-role", "The agent's role, such as `planner`.", id),
  Stage: own("x-chimera-stage", "The stage's number, from 0.", whole(1_000_000)),
  ExpectedTokens: own(
    "x-chimera-expected-tokens",
    "Output tokens that the stage will need.",
    whole(100_000_000),
  ),
  CallsLeft: own("x-chimera-calls-left", "Stages that will follow.", whole(1_000_000)),
  StartWithinMs: own(
    "x-chimera-start-within-ms",
    "The request is of no use unless an engine begins with it within so long.",
    whole(86_400_000),
  ),
  Final: own("x-chimera-workflow-final", "The workflow ends with this request.", {
    type: "boolean",
  }),
  Class: own("x-chimera-class", "Higher classes go first.", ref("PriorityClass")),
  Price: own("x-chimera-price", "As `policy.price`, for this request.", {
    type: "number",
    minimum: 0,
    maximum: 1_000_000,
  }),
  Slack: own("x-chimera-slack", "As `policy.slack`, for this request.", {
    type: "number",
    minimum: 0,
    maximum: 1_000_000,
  }),
  MinGain: own("x-chimera-min-gain", "As `policy.minGain`, for this request.", {
    type: "number",
    minimum: 0,
    maximum: 1,
  }),
};

export const pathText = (name: string, description: string, example: string): Part => ({
  name,
  in: "path",
  required: true,
  description,
  schema: { type: "string", minLength: 1 },
  example,
});
