import type { FirstProblem } from "./first-problem.ts";
import { isObject, type JsonObject } from "./inbound.ts";

type ChatMessage = Record<string, unknown>;

const ROLES: ReadonlySet<unknown> = new Set(["user", "assistant", "system", "developer"]);

/**
 * The messages of a chat that say what `instructions` and `input` say. Thoughts and calls that follow
 * an answer of the assistant are one message with it, as a chat has them.
 */
export function chatMessagesOfInput(body: JsonObject, problem: FirstProblem): ChatMessage[] {
  const { instructions, input } = body;
  const messages: ChatMessage[] = [];
  if (typeof instructions === "string" && instructions !== "") {
    messages.push({ role: "system", content: instructions });
  }
  if (typeof input === "string") messages.push({ role: "user", content: input });
  else if (Array.isArray(input)) {
    input.forEach((item, index) => addItem(messages, item, { at: `input[${index}]`, problem }));
  }
  return messages;
}

interface Place {
  readonly at: string;
  readonly problem: FirstProblem;
}

function addItem(messages: ChatMessage[], item: unknown, place: Place): void {
  if (!isObject(item)) return place.problem.note(place.at, "must be an object");
  switch (item["type"] ?? "message") {
    case "message":
      return addMessage(messages, item, place);
    case "reasoning":
      assistantIn(messages)["reasoning_content"] = thoughtsOf(item);
      return;
    case "function_call":
      return addCall(messages, item, place);
    case "function_call_output":
      messages.push(callOutput(item, place));
      return;
    default:
      place.problem.note(`${place.at}.type`, "is a kind of item that the engines cannot be given");
  }
}

function addMessage(messages: ChatMessage[], item: JsonObject, { at, problem }: Place): void {
  const { role } = item;
  if (!ROLES.has(role)) problem.note(`${at}.role`, "must be user, assistant, system or developer");
  const content = contentOf(item["content"], { at: `${at}.content`, problem });
  const last = messages.at(-1);
  // The thoughts that came before the answer.
  if (role === "assistant" && last?.["role"] === "assistant" && last["content"] === null) {
    last["content"] = content;
  } else messages.push({ role: role === "developer" ? "system" : role, content });
}

function contentOf(content: unknown, place: Place): unknown {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) {
    place.problem.note(place.at, "must be text or a list of parts");
    return "";
  }
  const parts = content.map((part, index) =>
    partOf(part, { ...place, at: `${place.at}[${index}]` }),
  );
  const isText = parts.every((part) => part["type"] === "text");
  return isText ? parts.map((part) => part["text"]).join("\n") : parts;
}

function partOf(part: unknown, { at, problem }: Place): JsonObject {
  const { type, text, refusal, image_url: url, detail } = isObject(part) ? part : {};
  switch (type) {
    case "input_text":
    case "output_text":
    case "text":
      if (typeof text !== "string") problem.note(`${at}.text`, "must be text");
      return { type: "text", text };
    case "refusal":
      return { type: "text", text: refusal };
    case "input_image":
      if (typeof url !== "string")
        problem.note(`${at}.image_url`, "must be text: no files are kept");
      return { type: "image_url", image_url: { url, ...(detail === undefined ? {} : { detail }) } };
    default:
      problem.note(`${at}.type`, "is a kind of content that the engines cannot be given");
      return {};
  }
}

function addCall(messages: ChatMessage[], item: JsonObject, { at, problem }: Place): void {
  const { call_id: id, name, arguments: given } = item;
  if (typeof id !== "string" || typeof name !== "string" || typeof given !== "string") {
    problem.note(at, "must have a call_id, a name and arguments");
  }
  const message = assistantIn(messages);
  const calls = Array.isArray(message["tool_calls"]) ? message["tool_calls"] : [];
  const call = { id, type: "function", function: { name, arguments: given } };
  message["tool_calls"] = [...calls, call];
}

function callOutput(item: JsonObject, { at, problem }: Place): ChatMessage {
  const { call_id: id, output } = item;
  if (typeof id !== "string") problem.note(`${at}.call_id`, "must be text");
  const content = contentOf(output, { at: `${at}.output`, problem });
  if (typeof content !== "string") problem.note(`${at}.output`, "must be text");
  return { role: "tool", tool_call_id: id, content };
}

/** The assistant's message that is being put together. */
function assistantIn(messages: ChatMessage[]): ChatMessage {
  const last = messages.at(-1);
  if (last?.["role"] === "assistant") return last;
  const message: ChatMessage = { role: "assistant", content: null };
  messages.push(message);
  return message;
}

function thoughtsOf(item: JsonObject): string {
  const parts = [item["content"], item["summary"]].find(
    (list) => Array.isArray(list) && list.length > 0,
  );
  if (!Array.isArray(parts)) return "";
  return parts
    .filter(isObject)
    .flatMap((part) => (typeof part["text"] === "string" ? [part["text"]] : []))
    .join("\n");
}
