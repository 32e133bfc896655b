/** Plays one of the paper's workflows on small tasks, against any server with an OpenAI API. `--help` shows the options. */
import { parseArgs } from "node:util";
import OpenAI from "openai";
import { pickTasks, playTasks } from "./play.ts";
import { findPython } from "./program-run.ts";
import { summaryLines, taskLine } from "./report.ts";
import { WORKFLOWS, type Workflow } from "./workflow.ts";

const names = WORKFLOWS.map(({ name }) => name).join(", ");
const HELP = `npx tsx examples/workflows/run.ts [options]

  --workflow NAME    ${names}
  --base-url URL     base of an OpenAI API (http://127.0.0.1:8080/v1)
  --model NAME       model to ask for (chimera)
  --tasks N          tasks to play (5)
  --concurrency N    workflows at once (4)
  --seed N           which tasks, in which order; engines are given it too (1)
  --max-tokens N     tokens that one stage may take (1024)
  --timeout-s N      seconds that one stage may take (600)

The key comes from OPENAI_API_KEY. Ends with 0 when every call was answered, solved or not.
`;

interface Flags {
  readonly workflow: Workflow;
  readonly baseUrl: string;
  readonly model: string;
  readonly tasks: number;
  readonly concurrency: number;
  readonly seed: number;
  readonly maxTokens: number;
  readonly timeoutS: number;
}

/** Throws with words for the user. */
function flagsOf(args: readonly string[]): Flags | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      workflow: { type: "string", default: "" },
      "base-url": { type: "string", default: "http://127.0.0.1:8080/v1" },
      model: { type: "string", default: "chimera" },
      tasks: { type: "string", default: "5" },
      concurrency: { type: "string", default: "4" },
      seed: { type: "string", default: "1" },
      "max-tokens": { type: "string", default: "1024" },
      "timeout-s": { type: "string", default: "600" },
    },
  });
  if (values.help) return null;
  const workflow = WORKFLOWS.find(({ name }) => name === values.workflow);
  if (workflow === undefined) throw new Error(`--workflow must be one of ${names}`);
  const baseUrl = values["base-url"];
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new Error("--base-url must be a URL such as http://127.0.0.1:8080/v1");
  }
  const whole = (flag: "tasks" | "concurrency" | "seed" | "max-tokens" | "timeout-s"): number => {
    const text = values[flag];
    const least = flag === "seed" ? 0 : 1;
    if (/^\d{1,6}$/.test(text) && Number(text) >= least) return Number(text);
    throw new Error(`--${flag} must be a whole number from ${least} to 999999`);
  };
  return {
    workflow,
    baseUrl,
    model: values.model,
    tasks: whole("tasks"),
    concurrency: whole("concurrency"),
    seed: whole("seed"),
    maxTokens: whole("max-tokens"),
    timeoutS: whole("timeout-s"),
  };
}

async function play(flags: Flags): Promise<number> {
  const { workflow, baseUrl, model, seed, concurrency } = flags;
  const python = workflow.domain === "code" ? await findPython() : null;
  if (workflow.domain === "code" && python === null) {
    throw new Error(`${workflow.name} runs Python programs, and there is no python3 on the path`);
  }
  const client = new OpenAI({
    baseURL: baseUrl,
    apiKey: process.env["OPENAI_API_KEY"] ?? "none",
    timeout: flags.timeoutS * 1000,
  });
  const tasks = pickTasks(workflow.domain, flags.tasks, seed);
  print(
    `${workflow.name} at ${baseUrl}: ${tasks.length} tasks, ${concurrency} at once, seed ${seed}`,
  );
  const startMs = performance.now();
  const results = await playTasks({
    client,
    workflow,
    tasks,
    concurrency,
    model,
    seed,
    python,
    outputTokensMax: flags.maxTokens,
    played: (result) => print(taskLine(result)),
  });
  for (const line of summaryLines(results, performance.now() - startMs)) print(line);
  return results.every(({ ok }) => ok) ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The innermost cause says most: the client's own words are only "Connection error." */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause !== undefined) return reasonOf(error.cause);
  const code = "code" in error && typeof error.code === "string" ? `${error.code} ` : "";
  return error.message === "" ? code.trim() : error.message;
}

try {
  const flags = flagsOf(process.argv.slice(2));
  if (flags === null) process.stdout.write(HELP);
  else process.exitCode = await play(flags);
} catch (error) {
  const isUnreached = error instanceof OpenAI.APIConnectionError;
  const words = isUnreached ? `the server cannot be reached: ${reasonOf(error)}` : reasonOf(error);
  process.stderr.write(`${words}\n`);
  process.exitCode = isUnreached ? 1 : 2;
}
