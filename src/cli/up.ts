import { spawn, type ChildProcess } from "node:child_process";
import { parseWholeConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { ConfigFlags } from "../config/overrides.ts";
import { EngineProcess, MAIN } from "./engine-process.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { serveLearned } from "./serve.ts";

export interface UpFlags extends ConfigFlags {
  readonly speedup: number;
  /** Workflows per second that demonstration agents start; 0 for none. */
  readonly demo: number;
}

/** A model of the embedded cluster: how fast it is, and how often it solves a task. */
interface EmbeddedModel {
  readonly model: string;
  readonly confidence: number;
  readonly baseMs: number;
  readonly perSequenceMs: number;
  readonly perPromptTokenMs: number;
}

/** Three sizes, each half as slow again and some points better than the one before. */
const MODELS: readonly EmbeddedModel[] = [
  { model: "small", confidence: 0.45, baseMs: 12, perSequenceMs: 0.4, perPromptTokenMs: 0.02 },
  { model: "medium", confidence: 0.6, baseMs: 18, perSequenceMs: 0.6, perPromptTokenMs: 0.03 },
  { model: "large", confidence: 0.75, baseMs: 28, perSequenceMs: 0.9, perPromptTokenMs: 0.05 },
];
const MAX_SEQUENCES = 16;
const KV_TOKENS = 100_000;

/** `chimera up`: three emulated engines and the gateway in front of them, on loopback, ready to serve. */
export async function up(flags: UpFlags, printer: Printer): Promise<ExitCode> {
  const { speedup, demo, ...overrides } = flags;
  const engines = MODELS.map((each) => new EngineProcess(launchOf(each, speedup)));
  let agents: ChildProcess | null = null;
  const stopAgents = (): void => void agents?.kill();
  process.once("SIGINT", stopAgents).once("SIGTERM", stopAgents);
  try {
    await Promise.all(engines.map((engine) => engine.start()));
    const text = JSON.stringify({ engines: configOf(engines, speedup) });
    const parsed = await parseWholeConfig(text, {
      file: "the embedded cluster",
      environment: process.env,
      flags: { logLevel: "warn", ...overrides },
    });
    if (!parsed.ok) {
      for (const problem of parsed.problems) printer.say(formatProblem(problem));
      return 2;
    }
    const ready = (url: string): void => {
      welcome(url, engines, printer);
      if (demo > 0) agents = startAgents(url, demo);
    };
    return await serveLearned(parsed.config, { recordEvents: null, ready }, printer);
  } catch (error) {
    printer.say(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    stopAgents();
    await Promise.all(engines.map((engine) => engine.stop()));
  }
}

/** Demonstration agents in a process of their own, which ends with this one. */
function startAgents(url: string, rate: number): ChildProcess {
  const args = [...process.execArgv, MAIN, "demo", "--url", url, "--rate", String(rate)];
  return spawn(process.execPath, [...args, "--with-parent"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
}

function launchOf(each: EmbeddedModel, speedup: number): { name: string; args: string[] } {
  const { model, baseMs, perSequenceMs, perPromptTokenMs } = each;
  const args = ["--name", model, "--model", model, "--speedup", String(speedup)];
  args.push("--base-ms", String(baseMs), "--per-sequence-ms", String(perSequenceMs));
  args.push("--per-prompt-token-ms", String(perPromptTokenMs));
  args.push("--max-sequences", String(MAX_SEQUENCES), "--kv-tokens", String(KV_TOKENS));
  return { name: model, args };
}

function configOf(engines: readonly EngineProcess[], speedup: number): unknown[] {
  return MODELS.map((each, index) => ({
    name: each.model,
    url: `${engines[index]?.url}/v1`,
    model: each.model,
    kind: "vllm",
    responses: false,
    confidence: each.confidence,
    maxConcurrency: MAX_SEQUENCES,
    kvTokens: KV_TOKENS,
    speed: {
      baseMs: each.baseMs / speedup,
      perSequenceMs: each.perSequenceMs / speedup,
      perKvTokenMs: 0,
      perPromptTokenMs: each.perPromptTokenMs / speedup,
    },
  }));
}

function welcome(url: string, engines: readonly EngineProcess[], printer: Printer): void {
  const root = url.replace(/\/v1$/, "");
  for (const engine of engines) {
    printer.out(`  engine ${engine.name.padEnd(6)} ${engine.url}/v1   process ${engine.pid}`);
  }
  printer.out("");
  printer.out("Ask the virtual model; the answer's headers say what was chosen and why:");
  printer.out("");
  printer.out(`  curl -iN ${url}/chat/completions -H 'content-type: application/json' \\`);
  printer.out(
    `    -d '{"model":"chimera","stream":true,"max_tokens":60,` +
      `"messages":[{"role":"user","content":"Plan a small program."}]}'`,
  );
  printer.out("");
  printer.out(
    `The dashboard: ${root}/ui   state: ${root}/v1/chimera/state   metrics: ${root}/metrics`,
  );
  printer.out("Any OpenAI client: base URL as above, any key. Kill an engine's process and watch.");
  printer.out("Ctrl-C stops everything.");
}
