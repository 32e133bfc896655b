import type { FirstProblem } from "./first-problem.ts";
import { isObject, type JsonObject } from "./inbound.ts";

/** A message of the chat completions API. */
export type ChatMessage = Record<string, unknown>;

/** Blocks of an assistant's earlier turn that say nothing to another engine. */
const LEFT_OUT: ReadonlySet<unknown> = new Set(["redacted_thinking"]);

/** Text of `system`, or of a tool's result: a string or text blocks. */
export function textOfBlocks(content: unknown, at: string, problem: FirstProblem): string {
  if (typeof content === "string") return content;
  const texts = blocksOf(content, at, problem).map((block, index) => {
    if (block["type"] === "text") return textOf(block, `${at}[${index}]`, problem);
    problem.note(`${at}[${index}].type`, "must be text here");
    return "";
  });
  return texts.join("\n");
}

/** One message of the Anthropic API as messages of a chat: each tool result becomes one of its own. */
export function chatMessagesOf(message: unknown, at: string, problem: FirstProblem): ChatMessage[] {
  const role = isObject(message) ? message["role"] : null;
  if (!isObject(message) || (role !== "user" && role !== "assistant" && role !== "system")) {
    problem.note(at, "must be a message of the user or the assistant");
    return [];
  }
  const content = message["content"];
  const path = `${at}.content`;
  if (typeof content === "string") return [{ role, content }];
  if (role === "system") return [{ role, content: textOfBlocks(content, path, problem) }];
  const blocks = blocksOf(content, path, problem);
  if (role === "assistant") return [assistantMessage(blocks, path, problem)];
  return userMessages(blocks, path, problem);
}

/** Results of tools come first: a chat wants them right behind the calls that they answer. */
function userMessages(
  blocks: readonly JsonObject[],
  at: string,
  problem: FirstProblem,
): ChatMessage[] {
  const results: ChatMessage[] = [];
  const parts: JsonObject[] = [];
  blocks.forEach((block, index) => {
    const path = `${at}[${index}]`;
    if (block["type"] === "tool_result") {
      const { images, ...result } = toolResult(block, path, problem);
      results.push(result);
      parts.push(...images);
    } else {
      const part = contentPart(block, path, problem);
      if (part !== null) parts.push(part);
    }
  });
  return parts.length === 0
    ? results
    : [...results, { role: "user", content: contentOfParts(parts) }];
}

/** Chats take only text from a tool: its images go into the user's message behind it. */
function toolResult(
  block: JsonObject,
  at: string,
  problem: FirstProblem,
): ChatMessage & { readonly images: readonly JsonObject[] } {
  const { tool_use_id: id, content = "" } = block;
  if (typeof id !== "string") problem.note(`${at}.tool_use_id`, "must be text");
  const base = { role: "tool", tool_call_id: id };
  if (typeof content === "string") return { ...base, content, images: [] };
  const parts = blocksOf(content, `${at}.content`, problem).flatMap((inner, index) => {
    const part = contentPart(inner, `${at}.content[${index}]`, problem);
    return part === null ? [] : [part];
  });
  const texts = parts.flatMap((part) => (typeof part["text"] === "string" ? [part["text"]] : []));
  const images = parts.filter((part) => part["type"] === "image_url");
  return { ...base, content: texts.join("\n"), images };
}

function contentPart(block: JsonObject, at: string, problem: FirstProblem): JsonObject | null {
  switch (block["type"]) {
    case "text":
      return { type: "text", text: textOf(block, at, problem) };
    case "image":
      return { type: "image_url", image_url: { url: imageUrl(block["source"], at, problem) } };
    case "document":
      return { type: "text", text: documentText(block["source"], at, problem) };
    default:
      problem.note(`${at}.type`, "is a kind of content that the engines cannot be given");
      return null;
  }
}

function imageUrl(source: unknown, at: string, problem: FirstProblem): string {
  const { type, media_type: mediaType, data, url } = isObject(source) ? source : {};
  if (type === "url" && typeof url === "string") return url;
  if (type === "base64" && typeof mediaType === "string" && typeof data === "string") {
    return `data:${mediaType};base64,${data}`;
  }
  problem.note(`${at}.source`, "must be base64 data with its media type, or a url");
  return "";
}

function documentText(source: unknown, at: string, problem: FirstProblem): string {
  const { type, data, content } = isObject(source) ? source : {};
  if (type === "text" && typeof data === "string") return data;
  if (type === "content") return textOfBlocks(content, `${at}.source.content`, problem);
  problem.note(`${at}.source`, "must be plain text: the engines read no other documents");
  return "";
}

function assistantMessage(
  blocks: readonly JsonObject[],
  at: string,
  problem: FirstProblem,
): ChatMessage {
  const texts: string[] = [];
  const thoughts: string[] = [];
  const calls: JsonObject[] = [];
  blocks.forEach((block, index) => {
    const path = `${at}[${index}]`;
    const { type, thinking } = block;
    if (type === "text") texts.push(textOf(block, path, problem));
    else if (type === "thinking" && typeof thinking === "string") thoughts.push(thinking);
    else if (type === "tool_use") calls.push(toolCall(block, path, problem));
    else if (!LEFT_OUT.has(type)) {
      problem.note(`${path}.type`, "is a kind of content that the engines cannot be given");
    }
  });
  return {
    role: "assistant",
    content: texts.length === 0 && calls.length > 0 ? null : texts.join("\n"),
    ...(thoughts.length === 0 ? {} : { reasoning_content: thoughts.join("\n") }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

function toolCall(block: JsonObject, at: string, problem: FirstProblem): JsonObject {
  const { id, name, input } = block;
  if (typeof id !== "string" || typeof name !== "string") {
    problem.note(at, "must have an id and a name");
  }
  return { id, type: "function", function: { name, arguments: JSON.stringify(input ?? {}) } };
}

/** Plain text where there is nothing else: not every engine's template takes parts. */
function contentOfParts(parts: readonly JsonObject[]): unknown {
  const isText = parts.every((part) => part["type"] === "text");
  return isText ? parts.map((part) => part["text"]).join("\n") : parts;
}

function textOf(block: JsonObject, at: string, problem: FirstProblem): string {
  const { text } = block;
  if (typeof text === "string") return text;
  problem.note(`${at}.text`, "must be text");
  return "";
}

function blocksOf(content: unknown, at: string, problem: FirstProblem): JsonObject[] {
  if (Array.isArray(content) && content.every(isObject)) return content;
  problem.note(at, "must be text or a list of content blocks");
  return [];
}
