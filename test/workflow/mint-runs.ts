import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** One recorded run of MINT's agent, as far as the tests need it. */
export interface MintRun {
  readonly task_id: string;
  readonly part: "train" | "valid";
  readonly template: string;
  readonly end: string;
  readonly models: { readonly actor: string };
  readonly in_tok: number;
  readonly out_tok: number;
  readonly stages: readonly {
    readonly out: string;
    readonly out_tok: number;
    readonly env?: string;
    readonly env_cut?: string;
  }[];
}

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

const FOLDER = new URL("../../../shared/data/", import.meta.url);

/** Null where the recorded runs are not there. */
export const mintRuns: readonly MintRun[] | null = existsSync(FOLDER)
  ? readLines<MintRun>("mint_actor")
  : null;

/** The messages of a run's first stage. */
export function firstMessages(run: MintRun): ChatMessage[] {
  const task = tasks().get(run.task_id) ?? "";
  const template = templates().get(run.template) ?? "{TASK}";
  return [{ role: "user", content: template.replace("{TASK}", () => task) }];
}

/** The messages of every stage, each with all that came before it. */
export function stageMessages(run: MintRun): ChatMessage[][] {
  const history = firstMessages(run);
  return run.stages.map((stage) => {
    const messages = [...history];
    history.push({ role: "assistant", content: stage.out });
    if (stage.env !== undefined) history.push({ role: "user", content: stage.env });
    return messages;
  });
}

const tasks = once(
  () =>
    new Map(
      readLines<{ task_id: string; prompt: string }>("tasks.mint").map((task) => [
        task.task_id,
        task.prompt,
      ]),
    ),
);

const templates = once(
  () =>
    new Map(
      readLines<{ template: string; text: string }>("templates.mint").map((template) => [
        template.template,
        template.text,
      ]),
    ),
);

function readLines<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(new URL(`${name}.jsonl.gz`, FOLDER))).toString("utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const parsed: T = JSON.parse(line);
      return parsed;
    });
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
