import type { ChatBodyResult } from "./chat-body.ts";
import { FirstProblem } from "./first-problem.ts";
import { isObject, type JsonObject } from "./inbound.ts";
import { chatMessagesOfInput } from "./responses-input.ts";

/**
 * Fields of the Responses API: translated, or without a meaning for an engine that keeps nothing. Any
 * other field goes to the engine as it is.
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "background",
  "conversation",
  "include",
  "input",
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "metadata",
  "model",
  "previous_response_id",
  "prompt",
  "prompt_cache_key",
  "prompt_cache_retention",
  "reasoning",
  "safety_identifier",
  "service_tier",
  "store",
  "stream",
  "stream_options",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
  "truncation",
  "user",
]);

const TOOL_CHOICES: ReadonlySet<unknown> = new Set(["auto", "none", "required"]);

/** The body of a chat completion that asks for the same as a body of the Responses API. */
export function chatBodyOfResponse(body: JsonObject): ChatBodyResult {
  const problem = new FirstProblem();
  const chat: Record<string, unknown> = Object.fromEntries(
    Object.entries(body).filter(([field]) => !OWN_FIELDS.has(field)),
  );
  chat["model"] = body["model"];
  chat["messages"] = chatMessagesOfInput(body, problem);
  const limit = body["max_output_tokens"];
  if (limit !== undefined && limit !== null) chat["max_completion_tokens"] = limit;
  if (Number(body["top_logprobs"] ?? 0) > 0) {
    problem.note("top_logprobs", "cannot be told by the engines of this model");
  }
  const { reasoning } = body;
  if (isObject(reasoning) && typeof reasoning["effort"] === "string") {
    chat["reasoning_effort"] = reasoning["effort"];
  }
  Object.assign(chat, toolFields(body, problem), formatFields(body, problem));
  const { error } = problem;
  return error === null ? { ok: true, body: chat } : { ok: false, error };
}

function toolFields(body: JsonObject, problem: FirstProblem): JsonObject {
  const { tools, tool_choice: choice } = body;
  if (tools === undefined || tools === null || (Array.isArray(tools) && tools.length === 0)) {
    return {};
  }
  if (!Array.isArray(tools)) {
    problem.note("tools", "must be an array");
    return {};
  }
  const functions = tools.map((tool, index) => functionOf(tool, `tools[${index}]`, problem));
  return { tools: functions, ...choiceField(choice, problem) };
}

function functionOf(tool: unknown, at: string, problem: FirstProblem): object {
  const { type, ...made } = isObject(tool) ? tool : {};
  if (type !== "function") {
    problem.note(`${at}.type`, "must be function: the engines of this model have no other tools");
  }
  if (typeof made["name"] !== "string") problem.note(`${at}.name`, "must be text");
  return { type: "function", function: made };
}

function choiceField(choice: unknown, problem: FirstProblem): JsonObject {
  if (choice === undefined || choice === null) return {};
  if (TOOL_CHOICES.has(choice)) return { tool_choice: choice };
  const { type, name } = isObject(choice) ? choice : {};
  if (type !== "function" || typeof name !== "string") {
    problem.note("tool_choice", "must be auto, none, required or a function");
  }
  return { tool_choice: { type: "function", function: { name } } };
}

function formatFields(body: JsonObject, problem: FirstProblem): JsonObject {
  const text = isObject(body["text"]) ? body["text"] : {};
  const { type = "text", ...schema } = isObject(text["format"]) ? text["format"] : {};
  switch (type) {
    case "text":
      return {};
    case "json_object":
      return { response_format: { type } };
    case "json_schema":
      return { response_format: { type, json_schema: schema } };
    default:
      problem.note("text.format.type", "must be text, json_object or json_schema");
      return {};
  }
}
