import { z } from "zod";
import { countTokens, vocabularyOf } from "../workflow/token-count.ts";
import { readJsonLines, type LineProblem } from "./json-lines.ts";
import type { Run, RunStage, Task } from "./run-file.ts";

/** One logged conversation: an OpenAI message list, with what is known of it. */
interface Chat {
  readonly id: string | null;
  readonly model: string;
  readonly workflow: string;
  readonly score: number;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

const contentSchema = z
  .union([z.string(), z.null(), z.array(z.looseObject({ text: z.string().optional() }))])
  .optional()
  .transform((content) => {
    if (typeof content === "string") return content;
    return (content ?? []).map((part) => part.text ?? "").join("");
  });

const chatSchema: z.ZodType<Chat> = z.object({
  id: z
    .union([z.string(), z.number()])
    .nullish()
    .transform((id) => (id === null || id === undefined ? null : String(id))),
  model: z.string().min(1),
  workflow: z.string().min(1).default("chat"),
  score: z.number().min(0).max(1),
  messages: z.array(z.object({ role: z.string(), content: contentSchema })).min(2),
});

export interface ChatImport {
  readonly runs: readonly Run[];
  readonly tasks: readonly Task[];
  /** Conversations in which no model has answered. */
  readonly withoutAnswer: number;
  readonly problems: readonly LineProblem[];
}

/**
 * Reads logged conversations (JSON Lines: `messages`, `model`, `score`, optional `id` and
 * `workflow`) as runs: each assistant message is a stage, what follows it is what came back. Lengths
 * are estimated from the text.
 */
export async function importChats(file: string): Promise<ChatImport> {
  const { rows, problems } = await readJsonLines(file, chatSchema);
  const runs: Run[] = [];
  const tasks: Task[] = [];
  let withoutAnswer = 0;
  for (const [index, chat] of rows.entries()) {
    const stages = stagesOf(chat);
    if (stages.length === 0) {
      withoutAnswer++;
      continue;
    }
    const taskId = chat.id ?? `line-${index + 1}`;
    tasks.push({ task_id: taskId, prompt: openingOf(chat) });
    runs.push({
      v: 1,
      dataset: "chats",
      subset: "",
      task_id: taskId,
      workflow: chat.workflow,
      models: { assistant: chat.model },
      trial: 0,
      reward: chat.score,
      part: "train",
      template: null,
      stages,
    });
  }
  return { runs, tasks, withoutAnswer, problems };
}

function openingOf({ messages }: Chat): string {
  const first = messages.findIndex((message) => message.role === "assistant");
  const opening = first < 0 ? messages : messages.slice(0, first);
  return opening.map((message) => message.content).join("\n");
}

function stagesOf({ messages, model }: Chat): RunStage[] {
  const vocabulary = vocabularyOf(model);
  const stages: RunStage[] = [];
  let characters = 0;
  let tokens = 0;
  for (const { role, content } of messages) {
    const length = countTokens(content, vocabulary);
    if (role === "assistant") {
      const lengths = { in_chars: characters, in_tok: tokens, out_tok: Math.max(1, length) };
      stages.push({ role: "assistant", model, ...lengths, out: content, env: "" });
    } else {
      const last = stages.at(-1);
      const env = [last?.env ?? "", content].filter((text) => text !== "").join("\n");
      if (last !== undefined) stages[stages.length - 1] = { ...last, env };
    }
    characters += content.length;
    tokens += length;
  }
  return stages;
}
