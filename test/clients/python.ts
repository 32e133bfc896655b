import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import {
  ANSWER_SCHEMA,
  type Answer,
  type Ask,
  type Client,
  QUESTION,
  type Target,
  TOOL_SCHEMA,
} from "./client.ts";
import type { Feature } from "./feature.ts";

const PYTHON = new URL("python/.venv/bin/python", import.meta.url).pathname;
const SCRIPT = new URL("python/clients.py", import.meta.url).pathname;

/** Whether the environment of `python/requirements.lock` has been made; the CI script makes it. */
export const HAS_PYTHON: boolean = existsSync(PYTHON);

const CLASSES = new Map([
  [400, "BadRequestError"],
  [404, "NotFoundError"],
  [429, "RateLimitError"],
  [502, "InternalServerError"],
]);

interface Message {
  readonly number: number;
  readonly text?: string;
  readonly models?: readonly string[];
  readonly answer?: Answer;
  readonly error?: { readonly classes: readonly string[]; readonly message: string };
}

/** An exception as Python named it, with the names of its base classes. */
class PythonError extends Error {
  readonly classes: readonly string[];

  constructor(classes: readonly string[], message: string) {
    super(`${classes[0] ?? "?"}: ${message}`);
    this.classes = classes;
  }
}

interface Waiting {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
  readonly onText: (text: string) => void;
}

/** One interpreter that holds a client library, started by the first question. */
class Interpreter {
  readonly #kind: string;
  readonly #waiting = new Map<number, Waiting>();
  #process: ChildProcess | null = null;
  #number = 0;

  constructor(kind: string) {
    this.#kind = kind;
  }

  call({ url, headers, retries }: Target, ask: Ask | null): Promise<Message> {
    const number = ++this.#number;
    const { signal, onText, ...rest } = ask ?? {};
    const schemas = { toolSchema: TOOL_SCHEMA, answerSchema: ANSWER_SCHEMA };
    const question = ask === null ? null : { ...rest, ...schemas, question: QUESTION };
    this.#send({ type: "ask", number, target: { url, headers, retries }, ask: question });
    signal?.addEventListener("abort", () => this.#send({ type: "abort", number }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject, onText: (text) => onText?.(text) });
    });
  }

  async close(): Promise<void> {
    if (this.#process === null || this.#process.exitCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.stdin?.end();
    await exited;
  }

  #send(message: object): void {
    this.#process ??= this.#start();
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #start(): ChildProcess {
    const child = spawn(PYTHON, [SCRIPT, this.#kind], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: child.stdout }).on("line", (line) => this.#hear(JSON.parse(line)));
    child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("Python ended"));
    });
    return child;
  }

  #hear(message: Message): void {
    const { number, text, error } = message;
    const waiting = this.#waiting.get(number);
    if (waiting === undefined) return;
    if (text !== undefined) return waiting.onText(text);
    this.#waiting.delete(number);
    if (error === undefined) waiting.resolve(message);
    else waiting.reject(new PythonError(error.classes, error.message));
  }
}

/** A client library of Python, in an interpreter of its own. */
export function pythonClient(
  kind: "openai" | "anthropic",
  lacks: Readonly<Partial<Record<Feature, string>>>,
): Client {
  const interpreter = new Interpreter(kind);
  return {
    name: `${kind} (Python)`,
    lacks,
    models: async (target) => (await interpreter.call(target, null)).models ?? [],
    ask: async (target, ask) => {
      const { answer } = await interpreter.call(target, ask);
      if (answer === undefined) throw new Error("Python said nothing");
      return answer;
    },
    isOwnError: (error, status) => {
      const expected = status === null ? "APIError" : CLASSES.get(status);
      return error instanceof PythonError && error.classes.includes(expected ?? "");
    },
    close: () => interpreter.close(),
  };
}
