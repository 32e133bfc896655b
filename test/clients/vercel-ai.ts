import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, jsonSchema, Output, RetryError, streamText, tool } from "ai";
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

export const vercelAi: Client = {
  name: "Vercel AI SDK",
  lacks: {
    "list of models": "not in its API",
    n: "its API has one answer",
    logprobs: "not in this provider",
    "retries not doubled": "three calls, heeds no header",
  },
  models: () => Promise.resolve([]),
  ask: (target, ask) => (ask.streams === true ? streamed(target, ask) : whole(target, ask)),
  isOwnError: (error, status) => {
    if (status === null) return error instanceof Error;
    const last = RetryError.isInstance(error) ? error.lastError : error;
    return APICallError.isInstance(last) && last.statusCode === status;
  },
};

function settingsOf({ url, headers, retries }: Target, ask: Ask) {
  const { model = "chimera", tool: hasTool, schema, image, signal } = ask;
  const provider = createOpenAICompatible({
    name: "chimera",
    baseURL: url,
    apiKey: API_KEY,
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...(headers === undefined ? {} : { headers }),
  });
  const picture = { type: "file" as const, mediaType: "image/png", data: image ?? "" };
  const text = { type: "text" as const, text: QUESTION };
  const look = tool({ inputSchema: jsonSchema<{ at: string }>({ ...TOOL_SCHEMA }) });
  return {
    model: provider(model),
    messages: [{ role: "user" as const, content: image === undefined ? [text] : [text, picture] }],
    ...(retries === undefined ? {} : { maxRetries: retries }),
    ...(signal === undefined ? {} : { abortSignal: signal }),
    ...(hasTool === true ? { tools: { look } } : {}),
    ...(schema === true
      ? { output: Output.object({ schema: jsonSchema({ ...ANSWER_SCHEMA }) }) }
      : {}),
  };
}

async function whole(target: Target, ask: Ask): Promise<Answer> {
  const { text, toolCalls, usage } = await generateText(settingsOf(target, ask));
  return answerOf(text, toolCalls, usage);
}

async function streamed(target: Target, ask: Ask): Promise<Answer> {
  let failure: unknown = null;
  const result = streamText({
    ...settingsOf(target, ask),
    onError: ({ error }) => void (failure = error),
  });
  for await (const text of result.textStream) ask.onText?.(text);
  if (failure !== null) throw failure;
  return answerOf(await result.text, await result.toolCalls, await result.usage);
}

function answerOf(
  text: string,
  toolCalls: readonly { readonly toolName: string; readonly input: unknown }[],
  usage: { readonly inputTokens: number | undefined; readonly outputTokens: number | undefined },
): Answer {
  const { inputTokens, outputTokens } = usage;
  const isTold = inputTokens !== undefined && outputTokens !== undefined;
  return {
    texts: [text],
    calls: toolCalls.map(({ toolName, input }) => ({ name: toolName, input })),
    usage: isTold ? { input: inputTokens, output: outputTokens } : null,
    logprobs: [],
  };
}
