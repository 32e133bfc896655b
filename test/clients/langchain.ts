import { type AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
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
import { isOpenAiError } from "./openai-node.ts";

export const langChain: Client = {
  name: "LangChain",
  lacks: {
    "list of models": "not in its API",
    "retries not doubled": "seven calls, heeds no header",
  },
  models: () => Promise.resolve([]),
  ask: (target, ask) => {
    const model = modelOf(target, ask);
    if ((ask.choices ?? 1) > 1) return choicesOf(model);
    return ask.streams === true ? streamed(model, ask) : whole(model, ask);
  },
  // It wraps the openai package, and its own errors keep the status.
  isOwnError: (error, status) =>
    isOpenAiError(error, status) ||
    (error instanceof Error && Reflect.get(error, "status") === status),
};

function modelOf({ url, headers, retries }: Target, ask: Ask): ChatOpenAI {
  const { model = "chimera", choices, logprobs } = ask;
  return new ChatOpenAI({
    model,
    apiKey: API_KEY,
    configuration: { baseURL: url, ...(headers === undefined ? {} : { defaultHeaders: headers }) },
    ...(retries === undefined ? {} : { maxRetries: retries }),
    ...(choices === undefined ? {} : { n: choices }),
    ...(logprobs === undefined ? {} : { logprobs }),
  });
}

function messageOf({ image }: Ask): HumanMessage {
  if (image === undefined) return new HumanMessage(QUESTION);
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${image}` } };
  return new HumanMessage({ content: [{ type: "text", text: QUESTION }, picture] });
}

function optionsOf({ tool, schema, signal }: Ask) {
  const look = { name: "look", parameters: { ...TOOL_SCHEMA } };
  const format = { name: "place", schema: { ...ANSWER_SCHEMA }, strict: true };
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(tool === true ? { tools: [{ type: "function" as const, function: look }] } : {}),
    ...(schema === true
      ? { response_format: { type: "json_schema" as const, json_schema: format } }
      : {}),
  };
}

async function whole(model: ChatOpenAI, ask: Ask): Promise<Answer> {
  return answerOf(await model.invoke([messageOf(ask)], optionsOf(ask)));
}

async function streamed(model: ChatOpenAI, ask: Ask): Promise<Answer> {
  let all: AIMessageChunk | null = null;
  for await (const chunk of await model.stream([messageOf(ask)], optionsOf(ask))) {
    if (chunk.text !== "") ask.onText?.(chunk.text);
    all = all === null ? chunk : all.concat(chunk);
  }
  if (all === null) throw new Error("the stream was empty");
  return answerOf(all);
}

/** Several answers are only told by the call below `invoke`. */
async function choicesOf(model: ChatOpenAI): Promise<Answer> {
  const { generations } = await model.generate([[new HumanMessage(QUESTION)]]);
  const texts = (generations[0] ?? []).map(({ text }) => text);
  return { texts, calls: [], usage: null, logprobs: [] };
}

function answerOf(message: AIMessageChunk): Answer {
  const { usage_metadata: usage, tool_calls: calls = [], response_metadata: metadata } = message;
  return {
    texts: [message.text],
    calls: calls.map(({ name, args }) => ({ name, input: args })),
    usage: usage === undefined ? null : { input: usage.input_tokens, output: usage.output_tokens },
    logprobs: logprobsOf(metadata["logprobs"]),
  };
}

function logprobsOf(told: unknown): number[] {
  if (typeof told !== "object" || told === null || !("content" in told)) return [];
  const tokens: { readonly logprob: number }[] = Array.isArray(told.content) ? told.content : [];
  return tokens.map(({ logprob }) => logprob);
}
