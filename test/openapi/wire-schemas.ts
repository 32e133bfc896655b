/** A JSON Schema, or another part of the document. */
export type Part = Readonly<Record<string, unknown>>;

export const text: Part = { type: "string" };
export const count: Part = { type: "integer", minimum: 0 };
export const ref = (name: string): Part => ({ $ref: `#/components/schemas/${name}` });
export const listOf = (items: Part, more: Part = {}): Part => ({ type: "array", items, ...more });
export const orNull = (schema: Part): Part => ({ anyOf: [schema, { type: "null" }] });

/** Fields that are not named here pass through. */
export function object(properties: Part, required: readonly string[], more: Part = {}): Part {
  return { type: "object", properties, required, ...more };
}

const limit = orNull({ type: "integer", minimum: 1 });
const flag = orNull({ type: "boolean" });
const model: Part = {
  type: "string",
  minLength: 1,
  description: "The name of a model, or of a virtual model such as `chimera`.",
};
const choice = object({ index: count, finish_reason: orNull(text) }, ["index"]);

/** The APIs that engines answer: what the gateway itself reads of a request, and what every answer has. */
export const WIRE_SCHEMAS: Part = {
  ChatRequest: object(
    {
      model,
      messages: listOf(object({ role: text, content: {} }, ["role"]), { minItems: 1 }),
      stream: flag,
      max_completion_tokens: limit,
      max_tokens: limit,
    },
    ["model", "messages"],
    { description: "Every other field of the OpenAI API goes to the engine as it is." },
  ),
  ChatCompletion: object(
    {
      id: text,
      object: { const: "chat.completion" },
      created: count,
      model: text,
      choices: listOf(choice),
      usage: orNull(ref("Usage")),
    },
    ["choices"],
  ),
  CompletionRequest: object(
    {
      model,
      prompt: {
        oneOf: [text, listOf({}, { minItems: 1 })],
        description: "Text, several texts, or token ids: what the engine takes.",
      },
      stream: flag,
      max_tokens: limit,
    },
    ["model", "prompt"],
  ),
  Completion: object(
    {
      id: text,
      object: { const: "text_completion" },
      created: count,
      model: text,
      choices: listOf(choice),
      usage: orNull(ref("Usage")),
    },
    ["choices"],
  ),
  Usage: object({ prompt_tokens: count, completion_tokens: count, total_tokens: count }, [
    "prompt_tokens",
  ]),
  EmbeddingsRequest: object(
    {
      model: { ...model, description: "One model: vectors of different models do not compare." },
      input: { oneOf: [text, listOf({}, { minItems: 1 })] },
    },
    ["model", "input"],
  ),
  Embeddings: object({ object: { const: "list" }, data: listOf({ type: "object" }) }, ["data"]),
  ResponsesRequest: object(
    {
      model,
      input: { oneOf: [text, listOf({ type: "object" }, { minItems: 1 })] },
      instructions: orNull(text),
      max_output_tokens: limit,
      stream: flag,
      background: { enum: [false, null] },
      previous_response_id: { type: "null", description: "The gateway keeps no responses." },
      conversation: { type: "null" },
      prompt: { type: "null" },
    },
    ["model", "input"],
  ),
  Response: object(
    {
      id: text,
      object: { const: "response" },
      status: { enum: ["completed", "incomplete"] },
      output: listOf(object({ type: text }, ["type"])),
      usage: orNull({ type: "object" }),
    },
    ["id", "object", "status", "output"],
  ),
  MessagesRequest: object(
    {
      model,
      max_tokens: { type: "integer", minimum: 1 },
      messages: listOf(ref("MessageParam"), { minItems: 1 }),
      system: { oneOf: [text, listOf(ref("TextBlock"))] },
      stream: flag,
      temperature: { type: "number" },
      tools: listOf(ref("Tool")),
    },
    ["model", "max_tokens", "messages"],
    { description: "What a chat completion cannot say is refused with `invalid_request_error`." },
  ),
  CountRequest: object({ model, messages: listOf(ref("MessageParam"), { minItems: 1 }) }, [
    "model",
    "messages",
  ]),
  MessageParam: object(
    {
      role: { enum: ["user", "assistant", "system"] },
      content: { oneOf: [text, listOf(ref("TextBlock"))] },
    },
    ["role", "content"],
  ),
  TextBlock: object({ type: { const: "text" }, text }, ["type", "text"], {
    description: "Images, documents, tool calls, tool results and thoughts are taken too.",
  }),
  Tool: object({ name: text, description: text, input_schema: { type: "object" } }, [
    "name",
    "input_schema",
  ]),
  Message: object(
    {
      id: text,
      type: { const: "message" },
      role: { const: "assistant" },
      model: text,
      content: listOf(object({ type: text }, ["type"])),
      stop_reason: { enum: ["end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal"] },
      stop_sequence: orNull(text),
      usage: object({ input_tokens: count, output_tokens: count }, [
        "input_tokens",
        "output_tokens",
      ]),
    },
    ["id", "type", "role", "content", "stop_reason", "usage"],
  ),
  TokenCount: object({ input_tokens: count }, ["input_tokens"]),
  Error: object(
    {
      error: object(
        {
          message: text,
          type: orNull(text),
          param: orNull(text),
          code: {
            type: ["string", "integer", "null"],
            description: "One of docs/errors.md, or what an engine wrote.",
          },
        },
        ["message", "type", "param", "code"],
      ),
    },
    ["error"],
  ),
  AnthropicError: object(
    {
      type: { const: "error" },
      error: object({ type: text, message: text }, ["type", "message"]),
    },
    ["type", "error"],
  ),
};
