import OpenAI, {
  APIError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
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

/** An API error of the openai package, which others build on. */
export function isOpenAiError(error: unknown, status: number | null): boolean {
  const expected = status === null ? APIError : CLASSES.get(status);
  return expected !== undefined && error instanceof expected;
}

export function openAiClient({ url, headers, retries }: Target): OpenAI {
  return new OpenAI({
    baseURL: url,
    apiKey: API_KEY,
    ...(headers === undefined ? {} : { defaultHeaders: headers }),
    ...(retries === undefined ? {} : { maxRetries: retries }),
  });
}

export const openAiNode: Client = {
  name: "openai (Node)",
  lacks: {},
  models: async (target) => {
    const ids: string[] = [];
    for await (const model of openAiClient(target).models.list()) ids.push(model.id);
    return ids;
  },
  ask: async (target, ask) => {
    const { signal = null, streams = false, onText } = ask;
    const { completions } = openAiClient(target).chat;
    if (!streams) return answerOf(await completions.create(bodyOf(ask), { signal }));
    const more = { stream: true as const, stream_options: { include_usage: true } };
    const stream = completions.stream({ ...bodyOf(ask), ...more }, { signal });
    stream.on("content", (text) => onText?.(text));
    return answerOf(await stream.finalChatCompletion());
  },
  isOwnError: isOpenAiError,
};

function bodyOf({ model = "chimera", tool, schema, image, choices, logprobs }: Ask) {
  const url = `data:image/png;base64,${image}`;
  const picture: OpenAI.ChatCompletionContentPart = { type: "image_url", image_url: { url } };
  const text: OpenAI.ChatCompletionContentPart = { type: "text", text: QUESTION };
  const body: OpenAI.ChatCompletionCreateParamsNonStreaming = {
    model,
    messages: [{ role: "user", content: image === undefined ? QUESTION : [text, picture] }],
  };
  if (tool === true) {
    body.tools = [{ type: "function", function: { name: "look", parameters: { ...TOOL_SCHEMA } } }];
  }
  if (schema === true) {
    const format = { name: "place", schema: { ...ANSWER_SCHEMA }, strict: true };
    body.response_format = { type: "json_schema", json_schema: format };
  }
  if (choices !== undefined) body.n = choices;
  if (logprobs !== undefined) body.logprobs = logprobs;
  return body;
}

function answerOf({ choices, usage }: OpenAI.ChatCompletion): Answer {
  const calls = choices[0]?.message.tool_calls ?? [];
  return {
    texts: choices.map(({ message }) => message.content ?? ""),
    calls: calls.flatMap((call) => {
      if (call.type !== "function") return [];
      const input: unknown = JSON.parse(call.function.arguments);
      return [{ name: call.function.name, input }];
    }),
    usage: usage ? { input: usage.prompt_tokens, output: usage.completion_tokens } : null,
    logprobs: (choices[0]?.logprobs?.content ?? []).map(({ logprob }) => logprob),
  };
}
