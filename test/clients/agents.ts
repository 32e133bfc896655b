import { Agent, OpenAIProvider, Runner, setTracingDisabled, tool } from "@openai/agents";
import {
  ANSWER_SCHEMA,
  type Answer,
  type Ask,
  type Client,
  QUESTION,
  type Target,
  TOOL_SCHEMA,
} from "./client.ts";
import { isOpenAiError, openAiClient } from "./openai-node.ts";

setTracingDisabled(true);

/** Agents that speak the chat API; an answer with a tool call is followed by one without. */
export const agents: Client = {
  name: "OpenAI Agents",
  lacks: {
    "list of models": "not in its API",
    n: "its API has one answer",
    logprobs: "not told by a run",
  },
  models: () => Promise.resolve([]),
  ask: async (target, ask) => {
    const calls: Answer["calls"][number][] = [];
    const agent = agentOf(ask, (input) => void calls.push({ name: "look", input }));
    const runner = new Runner({ modelProvider: providerOf(target) });
    const { output, usage } = await (ask.streams === true
      ? streamed(runner, agent, ask)
      : whole(runner, agent, ask));
    return { texts: [output], calls, usage, logprobs: [] };
  },
  isOwnError: isOpenAiError,
};

function providerOf(target: Target): OpenAIProvider {
  return new OpenAIProvider({ openAIClient: openAiClient(target), useResponses: false });
}

function agentOf(ask: Ask, onLook: (input: unknown) => void) {
  const look = tool({
    name: "look",
    description: "Looks.",
    parameters: TOOL_SCHEMA,
    strict: true,
    execute: (input: unknown) => {
      onLook(input);
      return "a cat";
    },
  });
  return new Agent({
    name: "asker",
    model: ask.model ?? "chimera",
    ...(ask.tool === true ? { tools: [look] } : {}),
    ...(ask.schema === true
      ? {
          outputType: {
            type: "json_schema" as const,
            name: "place",
            strict: true,
            schema: ANSWER_SCHEMA,
          },
        }
      : {}),
  });
}

type AnyAgent = ReturnType<typeof agentOf>;

interface Ended {
  readonly output: string;
  readonly usage: Answer["usage"];
}

function inputOf({ image }: Ask) {
  if (image === undefined) return QUESTION;
  const picture = { type: "input_image" as const, image: `data:image/png;base64,${image}` };
  const content = [{ type: "input_text" as const, text: QUESTION }, picture];
  return [{ role: "user" as const, content }];
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : JSON.stringify(output);
}

async function whole(runner: Runner, agent: AnyAgent, ask: Ask): Promise<Ended> {
  const { signal } = ask;
  const result = await runner.run(agent, inputOf(ask), signal === undefined ? {} : { signal });
  const { inputTokens: input, outputTokens: output } = result.state.usage;
  return { output: textOf(result.finalOutput), usage: { input, output } };
}

async function streamed(runner: Runner, agent: AnyAgent, ask: Ask): Promise<Ended> {
  const { signal } = ask;
  const result = await runner.run(agent, inputOf(ask), {
    stream: true,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const text of result.toTextStream()) ask.onText?.(text);
  await result.completed;
  const { inputTokens: input, outputTokens: output } = result.state.usage;
  return { output: textOf(result.finalOutput), usage: { input, output } };
}
