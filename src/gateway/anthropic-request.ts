import { chatMessagesOf, textOfBlocks } from "./anthropic-content.ts";
import type { ChatBodyResult } from "./chat-body.ts";
import { FirstProblem } from "./first-problem.ts";
import { isObject, type JsonObject } from "./inbound.ts";

/**
 * Fields of the Anthropic API: translated, or without a meaning for an engine (`metadata` names users,
 * `service_tier` is the gateway's). Any other field goes to the engine as it is.
 */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "system",
  "max_tokens",
  "metadata",
  "stop_sequences",
  "stream",
  "temperature",
  "top_k",
  "top_p",
  "tools",
  "tool_choice",
  "thinking",
  "service_tier",
  "cache_control",
  "container",
  "context_management",
  "inference_geo",
  "mcp_servers",
  "output_config",
  "output_format",
]);

/** Those that ask for something that an engine does not do; an empty value asks for nothing. */
const REFUSED_FIELDS = ["container", "mcp_servers"];

/** The body of a chat completion that asks for the same as a body of the Anthropic API. */
export function chatBodyOf(body: JsonObject): ChatBodyResult {
  const problem = new FirstProblem();
  for (const field of REFUSED_FIELDS) {
    if (!isEmpty(body[field])) problem.note(field, "asks for what the engines do not do");
  }
  const chat: Record<string, unknown> = {};
  for (const field of Object.keys(body)) {
    if (!OWN_FIELDS.has(field)) define(chat, field, body[field]);
  }
  chat["model"] = body["model"];
  chat["messages"] = messagesOf(body, problem);
  chat["max_completion_tokens"] = body["max_tokens"];
  if (!isEmpty(body["stop_sequences"])) chat["stop"] = body["stop_sequences"];
  for (const field of ["temperature", "top_p", "top_k"]) {
    if (body[field] !== undefined) chat[field] = body[field];
  }
  Object.assign(chat, toolFields(body, problem), outputFields(body, problem));
  const { error } = problem;
  return error === null ? { ok: true, body: chat } : { ok: false, error };
}

function messagesOf(body: JsonObject, problem: FirstProblem): object[] {
  const { system, messages } = body;
  const translated: object[] = [];
  if (!isEmpty(system)) {
    translated.push({ role: "system", content: textOfBlocks(system, "system", problem) });
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    problem.note("messages", "must be a non-empty array");
    return translated;
  }
  messages.forEach((message, index) => {
    translated.push(...chatMessagesOf(message, `messages[${index}]`, problem));
  });
  return translated;
}

function toolFields(body: JsonObject, problem: FirstProblem): JsonObject {
  const { tools, tool_choice: choice } = body;
  if (isEmpty(tools)) return {};
  if (!Array.isArray(tools)) {
    problem.note("tools", "must be an array");
    return {};
  }
  const functions = tools.map((tool, index) => functionOf(tool, `tools[${index}]`, problem));
  return { tools: functions, ...choiceFields(choice, problem) };
}

function functionOf(tool: unknown, at: string, problem: FirstProblem): object {
  const { type = "custom", name, description, input_schema: schema } = isObject(tool) ? tool : {};
  if (type !== "custom" && type !== null) {
    problem.note(`${at}.type`, "must be custom: the engines have no tools of their own");
  }
  if (typeof name !== "string") problem.note(`${at}.name`, "must be text");
  if (!isObject(schema)) problem.note(`${at}.input_schema`, "must be an object");
  const described = typeof description === "string" ? { description } : {};
  return { type: "function", function: { name, ...described, parameters: schema } };
}

function choiceFields(choice: unknown, problem: FirstProblem): JsonObject {
  if (choice === undefined || choice === null) return {};
  const { type, name, disable_parallel_tool_use: single } = isObject(choice) ? choice : {};
  const serial = single === true ? { parallel_tool_calls: false } : {};
  switch (type) {
    case "auto":
    case "none":
      return { tool_choice: type, ...serial };
    case "any":
      return { tool_choice: "required", ...serial };
    case "tool":
      return { tool_choice: { type: "function", function: { name } }, ...serial };
    default:
      problem.note("tool_choice.type", "must be auto, any, tool or none");
      return {};
  }
}

/** A schema that the answer must have, and how hard to think. */
function outputFields(body: JsonObject, problem: FirstProblem): JsonObject {
  const config = isObject(body["output_config"]) ? body["output_config"] : {};
  const effort = typeof config["effort"] === "string" ? { reasoning_effort: config["effort"] } : {};
  const format = config["format"] ?? body["output_format"];
  if (!isObject(format)) return effort;
  const { type, schema } = format;
  if (type !== "json_schema" || !isObject(schema)) {
    problem.note("output_config.format", "must be a json_schema with its schema");
  }
  const jsonSchema = { name: "answer", schema, strict: true };
  return { ...effort, response_format: { type: "json_schema", json_schema: jsonSchema } };
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined ||
    value === null ||
    value === "" ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** A client's key may be `__proto__`. */
function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
