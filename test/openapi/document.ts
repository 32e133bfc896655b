import { readFileSync } from "node:fs";
import type { ErrorCode } from "../../src/gateway/errors.ts";
import {
  errorResponses,
  errors,
  HEADERS,
  json,
  PARAMETERS,
  pathText,
  RELAY_ERRORS,
  served,
} from "./answers.ts";
import { OWN_SCHEMAS } from "./own-schemas.ts";
import { type Part, ref, text, WIRE_SCHEMAS } from "./wire-schemas.ts";

/** Without keys in the config neither is asked for. */
const CLIENTS: readonly Part[] = [{ key: [] }, { keyHeader: [] }, {}];
const OPERATORS: readonly Part[] = [{ operator: [] }, {}];
const EITHER: readonly Part[] = [...CLIENTS.slice(0, 2), ...OPERATORS];
const EVERYONE: readonly Part[] = [];

const COUNT_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_request",
  "invalid_api_key",
  "model_not_found",
  "body_too_large",
  "unsupported_encoding",
  "rate_limit_exceeded",
  "concurrency_exceeded",
  "internal_error",
];
const BODY_ERRORS: readonly ErrorCode[] = [
  "invalid_json",
  "invalid_request",
  "invalid_api_key",
  "body_too_large",
  "unsupported_encoding",
  "internal_error",
];

interface Relayed {
  readonly summary: string;
  readonly request: string;
  readonly answer: string;
  readonly example: object;
  readonly streams?: boolean;
  readonly errorSchema?: string;
}

const hello = [{ role: "user", content: "Hello" }];

const PATHS: Part = {
  "/v1/chat/completions": relayed({
    summary: "A chat completion",
    request: "ChatRequest",
    answer: "ChatCompletion",
    example: { model: "chimera", messages: hello, max_completion_tokens: 8 },
  }),
  "/v1/completions": relayed({
    summary: "A completion",
    request: "CompletionRequest",
    answer: "Completion",
    example: { model: "chimera", prompt: "Hello", max_tokens: 8 },
  }),
  "/v1/responses": relayed({
    summary: "A response; nothing of it is kept",
    request: "ResponsesRequest",
    answer: "Response",
    example: { model: "chimera", input: "Hello", max_output_tokens: 8 },
  }),
  "/v1/embeddings": relayed({
    summary: "Embeddings, of a single model's engines",
    request: "EmbeddingsRequest",
    answer: "Embeddings",
    example: { model: "small", input: "Hello" },
    streams: false,
  }),
  "/v1/messages": relayed({
    summary: "A message of the Anthropic API, translated for every engine",
    request: "MessagesRequest",
    answer: "Message",
    example: { model: "chimera", max_tokens: 8, messages: hello },
    errorSchema: "AnthropicError",
  }),
  "/v1/messages/count_tokens": {
    post: {
      summary: "An estimate of a message's input tokens",
      operationId: "countTokens",
      security: CLIENTS,
      requestBody: body("CountRequest", { model: "chimera", messages: hello }),
      responses: {
        200: json("The estimate.", "TokenCount"),
        ...errors(COUNT_ERRORS, "AnthropicError"),
      },
    },
  },
  "/v1/models": get("The models that may be asked for", CLIENTS, {
    200: json("Virtual models first.", "ModelList"),
    ...errors(["invalid_api_key"]),
  }),
  "/v1/models/{model}": get(
    "One model",
    CLIENTS,
    {
      200: json("The model.", "Model"),
      ...errors(["invalid_api_key", "model_not_found", "unknown_url"]),
    },
    [pathText("model", "Its name, which may hold slashes.", "chimera")],
  ),
  "/v1/feedback": {
    post: {
      summary: "How a workflow went",
      operationId: "feedback",
      security: CLIENTS,
      requestBody: body("FeedbackRequest", { workflow_id: "workflow-1", score: 1 }),
      responses: {
        200: json("Taken.", "Feedback"),
        ...errors([...BODY_ERRORS, "unknown_workflow"]),
      },
    },
  },
  "/healthz": get("Whether the process lives", EVERYONE, { 200: json("It does.", "Health") }),
  "/readyz": get("Whether it can serve", EVERYONE, {
    200: json("It can.", "Readiness"),
    503: json("It cannot.", "Readiness"),
  }),
  "/metrics": get("Metrics of Prometheus", OPERATORS, {
    200: { description: "The page.", content: { "text/plain": { schema: text } } },
    ...errors(["invalid_api_key"]),
  }),
  "/v1/chimera/state": get("The cluster", OPERATORS, {
    200: json("Engines, queues, counts.", "View"),
    ...errors(["invalid_api_key"]),
  }),
  "/v1/chimera/events": get("The cluster as it changes, at most twice a second", OPERATORS, {
    200: {
      description: "Server-sent events; each holds a `View`.",
      content: { "text/event-stream": {} },
    },
    ...errors(["invalid_api_key", "too_many_listeners"]),
  }),
  "/v1/chimera/decisions": get(
    "The newest requests",
    EITHER,
    {
      200: json("The newest first.", "RequestList"),
      ...errors(["invalid_request", "invalid_api_key"]),
    },
    [{ name: "phase", in: "query", description: "Left out: any.", schema: ref("Phase") }],
  ),
  "/v1/chimera/decisions/{id}": get(
    "Why a request went where it went",
    EITHER,
    {
      200: json("Its decision and its end, as far as they are known.", "RequestTrace"),
      ...errors(["invalid_api_key", "unknown_decision", "unknown_url"]),
    },
    [pathText("id", "The request's `x-request-id`.", "request-1")],
  ),
  "/v1/chimera/workflows": get("The newest workflows", EITHER, {
    200: json("The newest first.", "WorkflowList"),
    ...errors(["invalid_api_key"]),
  }),
  "/v1/chimera/workflows/{id}": get(
    "A workflow with its stages",
    EITHER,
    {
      200: json("The workflow.", "WorkflowDetail"),
      ...errors(["invalid_api_key", "unknown_workflow", "unknown_url"]),
    },
    [pathText("id", "The `x-chimera-workflow-id` of its answers.", "workflow-1")],
  ),
  "/v1/chimera/predictions": get("How good predictions were lately", OPERATORS, {
    200: json("By model.", "Predictions"),
    ...errors(["invalid_api_key"]),
  }),
  "/v1/chimera/config": get("The config in force, its secrets masked", OPERATORS, {
    200: json("As docs/configuration.md has it.", "Config"),
    ...errors(["invalid_api_key"]),
  }),
  "/v1/chimera/what-if": {
    post: {
      summary: "Recent decisions, decided again with other knobs",
      operationId: "whatIf",
      security: EITHER,
      requestBody: body("WhatIfRequest", { price: 0.4 }),
      responses: {
        200: json("What would have changed.", "WhatIf"),
        ...errors([...BODY_ERRORS, "unknown_decision"]),
      },
    },
  },
};

/** The gateway's HTTP API as OpenAPI 3.1. */
export function openApiDocument(): Part {
  const { version } = packageFile();
  return {
    openapi: "3.1.0",
    info: {
      title: "Chimera",
      version,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      description:
        "One scheduler between agents and their engines. Requests of engines' APIs are described as far " +
        "as the gateway reads them; everything else in them passes through. `npm run docs` writes this.",
    },
    servers: [{ url: "http://127.0.0.1:8080" }],
    paths: PATHS,
    components: {
      schemas: { ...WIRE_SCHEMAS, ...OWN_SCHEMAS },
      responses: errorResponses(),
      headers: HEADERS,
      parameters: PARAMETERS,
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "A key of `chimera key new`." },
        keyHeader: { type: "apiKey", in: "header", name: "x-api-key" },
        operator: {
          type: "http",
          scheme: "bearer",
          description: "The token of `chimera key new --admin`, or a request from this machine.",
        },
      },
    },
  };
}

function relayed(operation: Relayed): Part {
  const { summary, request, answer, example, streams = true, errorSchema = "Error" } = operation;
  return {
    post: {
      summary,
      operationId: `create${answer}`,
      security: CLIENTS,
      parameters: Object.keys(PARAMETERS).map((name) => ({
        $ref: `#/components/parameters/${name}`,
      })),
      requestBody: body(request, example),
      responses: {
        200: served(answer, streams),
        ...errors(RELAY_ERRORS, errorSchema),
        "4XX": { $ref: `#/components/responses/${errorSchema}OfEngine` },
      },
    },
  };
}

function get(
  summary: string,
  security: readonly Part[],
  responses: Part,
  parameters: readonly Part[] = [],
): Part {
  return { get: { summary, security, parameters, responses } };
}

function body(schema: string, example: object): Part {
  return { required: true, content: { "application/json": { schema: ref(schema), example } } };
}

function packageFile(): { readonly version: string } {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
}
