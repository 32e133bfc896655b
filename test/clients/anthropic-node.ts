import Anthropic, {
  APIError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import {
  ANSWER_SCHEMA,
  API_KEY,
  type Answer,
  type Ask,
  type Client,
  QUESTION,
  type Target,
  TOOL_SCHEMA,
} from "./client.ts";

const CLASSES = new Map([
  [400, BadRequestError],
  [404, NotFoundError],
  [429, RateLimitError],
  [502, InternalServerError],
]);

function clientOf({ url, headers, retries }: Target): Anthropic {
  return new Anthropic({
    baseURL: url.replace(/\/v1$/, ""),
    apiKey: API_KEY,
    ...(headers === undefined ? {} : { defaultHeaders: headers }),
    ...(retries === undefined ? {} : { maxRetries: retries }),
  });
}

export const anthropicNode: Client = {
  name: "anthropic (Node)",
  lacks: { n: "its API has one answer", logprobs: "not in its API" },
  models: async (target) => {
    const ids: string[] = [];
    for await (const model of clientOf(target).models.list()) ids.push(model.id);
    return ids;
  },
  ask: async (target, ask) => {
    const { signal = null, streams = false, onText } = ask;
    const { messages } = clientOf(target);
    if (!streams) return answerOf(await messages.create(bodyOf(ask), { signal }));
    const stream = messages.stream(bodyOf(ask), { signal });
    stream.on("text", (text) => onText?.(text));
    return answerOf(await stream.finalMessage());
  },
  isOwnError: (error, status) => {
    const expected = status === null ? APIError : CLASSES.get(status);
    return expected !== undefined && error instanceof expected;
  },
};

function bodyOf({ model = "chimera", tool, schema, image }: Ask) {
  const text = { type: "text" as const, text: QUESTION };
  const source = { type: "base64" as const, media_type: "image/png" as const, data: image ?? "" };
  const picture = { type: "image" as const, source };
  const body: Anthropic.MessageCreateParamsNonStreaming = {
    model,
    max_tokens: 64,
    messages: [{ role: "user", content: image === undefined ? QUESTION : [text, picture] }],
  };
  if (tool === true) body.tools = [{ name: "look", input_schema: TOOL_SCHEMA }];
  if (schema === true) {
    body.output_config = { format: { type: "json_schema", schema: { ...ANSWER_SCHEMA } } };
  }
  return body;
}

function answerOf({ content, usage }: Anthropic.Message): Answer {
  return {
    texts: [content.map((block) => (block.type === "text" ? block.text : "")).join("")],
    calls: content.flatMap((block) => {
      return block.type === "tool_use" ? [{ name: block.name, input: block.input }] : [];
    }),
    usage: { input: usage.input_tokens, output: usage.output_tokens },
    logprobs: [],
  };
}
