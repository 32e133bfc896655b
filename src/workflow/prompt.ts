import { fieldOf, isObject } from "./json.ts";

/** One message, with what its content parts and tool calls say. */
export interface PromptMessage {
  /** "developer" is read as "system", "model" as "assistant". */
  readonly role: string;
  readonly text: string;
  /** Names, arguments and ids of tool calls, and the id that a tool result answers. */
  readonly calls: string;
  /** Addresses or data of images. */
  readonly images: readonly string[];
}

/** What a request body asks, whatever its kind. Anything unknown in it is left out. */
export interface Prompt {
  readonly kind: "chat" | "completion" | "none";
  readonly messages: readonly PromptMessage[];
  /** Texts of the system messages, joined. */
  readonly system: string;
  /** The first user message, or null. */
  readonly task: PromptMessage | null;
  /** Tool schemas as JSON text, or empty. */
  readonly tools: string;
  /** Length of a prompt that came as token ids, else 0. */
  readonly tokenIds: number;
}

/**
 * Reads the prompt of a parsed body: `messages` (OpenAI, and Anthropic with its `system`), `input`
 * with `instructions`, or `prompt` (text, texts or token ids). Never throws.
 */
export function readPrompt(body: unknown): Prompt {
  const list = fieldOf(body, "messages") ?? fieldOf(body, "input");
  const messages = systemMessages(fieldOf(body, "system") ?? fieldOf(body, "instructions"));
  const prompt = fieldOf(body, "prompt");
  const kind = kindOf(list, prompt);
  if (kind === "chat") messages.push(...chatMessages(list));
  if (kind === "completion") messages.push(textMessage("user", completionText(prompt)));
  return {
    kind,
    messages,
    system: messages
      .filter((message) => message.role === "system")
      .map((message) => message.text)
      .join("\n"),
    task: messages.find((message) => message.role === "user") ?? null,
    tools: jsonText(fieldOf(body, "tools") ?? fieldOf(body, "functions")),
    tokenIds: kind === "completion" ? tokenIdsOf(prompt) : 0,
  };
}

function kindOf(list: unknown, prompt: unknown): Prompt["kind"] {
  if (Array.isArray(list) || typeof list === "string") return "chat";
  return typeof prompt === "string" || Array.isArray(prompt) ? "completion" : "none";
}

function systemMessages(system: unknown): PromptMessage[] {
  return system === undefined || system === null ? [] : [readMessage("system", system, "")];
}

function chatMessages(list: unknown): PromptMessage[] {
  if (!Array.isArray(list)) return [textMessage("user", typeof list === "string" ? list : "")];
  return list.filter(isObject).map((message) => {
    const role = roleOf(fieldOf(message, "role"));
    return readMessage(role, fieldOf(message, "content"), callsOf(message));
  });
}

function roleOf(role: unknown): string {
  if (role === "developer") return "system";
  if (role === "model") return "assistant";
  return typeof role === "string" ? role : "";
}

function textMessage(role: string, text: string): PromptMessage {
  return { role, text, calls: "", images: [] };
}

function readMessage(role: string, content: unknown, calls: string): PromptMessage {
  if (typeof content === "string") return { role, text: content, calls, images: [] };
  if (!Array.isArray(content)) return { role, text: "", calls, images: [] };
  const texts: string[] = [];
  const images: string[] = [];
  const partCalls: string[] = calls === "" ? [] : [calls];
  for (const part of content) {
    texts.push(partText(part));
    const image = imageOf(part);
    if (image !== null) images.push(image);
    const call = partCall(part);
    if (call !== "") partCalls.push(call);
  }
  const spoken = texts.filter((text) => text !== "");
  return { role, text: spoken.join("\n"), calls: partCalls.join("\n"), images };
}

/** Text of a content part; a tool result holds its text one level deeper. */
function partText(part: unknown): string {
  if (typeof part === "string") return part;
  const text = fieldOf(part, "text") ?? fieldOf(part, "content");
  if (typeof text === "string") return text;
  if (!Array.isArray(text)) return "";
  return text.map((inner) => stringAt(inner, "text")).join("\n");
}

function imageOf(part: unknown): string | null {
  const image = fieldOf(part, "image_url") ?? fieldOf(part, "source") ?? fieldOf(part, "image");
  if (image === undefined) return null;
  if (typeof image === "string") return image;
  return stringAt(image, "url") || stringAt(image, "data");
}

/** Anthropic's `tool_use` and `tool_result` parts. */
function partCall(part: unknown): string {
  const id = stringAt(part, "id") || stringAt(part, "tool_use_id");
  const input = fieldOf(part, "input");
  return id === "" ? "" : `${id} ${stringAt(part, "name")} ${jsonText(input)}`;
}

/** OpenAI's `tool_calls`, `function_call` and `tool_call_id`. */
function callsOf(message: unknown): string {
  const calls = fieldOf(message, "tool_calls");
  const texts = Array.isArray(calls) ? calls.map(callText) : [];
  texts.push(functionText(fieldOf(message, "function_call")), stringAt(message, "tool_call_id"));
  return texts.filter((text) => text !== "").join("\n");
}

function callText(call: unknown): string {
  return `${stringAt(call, "id")} ${functionText(fieldOf(call, "function"))}`;
}

function functionText(value: unknown): string {
  if (!isObject(value)) return "";
  return `${stringAt(value, "name")} ${stringAt(value, "arguments")}`;
}

function completionText(prompt: unknown): string {
  if (typeof prompt === "string") return prompt;
  if (!Array.isArray(prompt)) return "";
  return prompt.filter((item) => typeof item === "string").join("\n");
}

function tokenIdsOf(prompt: unknown): number {
  if (!Array.isArray(prompt)) return 0;
  let tokens = 0;
  for (const item of prompt) {
    if (typeof item === "number") tokens += 1;
    else if (Array.isArray(item)) tokens += item.length;
  }
  return tokens;
}

function stringAt(value: unknown, name: string): string {
  const found = fieldOf(value, name);
  return typeof found === "string" ? found : "";
}

/** JSON text of a part of the body, or empty: nesting beyond the stack makes JSON.stringify throw. */
function jsonText(value: unknown): string {
  if (value === undefined || value === null) return "";
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}
