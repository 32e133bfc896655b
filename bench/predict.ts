/**
 * What learned predictions cost while serving: files and their loading, one prediction, a router's
 * decision, features of a long conversation, and the delay of the event loop of who asks the service.
 *
 *     npm run -s bench -- predict [--length-model FILE --router-model FILE] [--rate 500] [--seconds 10]
 *
 * Without files, models are trained on the train part of the recorded runs.
 */
import { existsSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { systemClock } from "../src/engine/clock.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import { LearnedPredictor } from "../src/predict/learned-predictor.ts";
import { loadLearned, type LearnedFiles, type LearnedModels } from "../src/predict/learned.ts";
import { trainLength } from "../src/predict/length-training.ts";
import type { StageFacts } from "../src/predict/port.ts";
import { trainRouter } from "../src/predict/router-training.ts";
import { lengthExamples } from "../src/sim/length-examples.ts";
import { routerExamples } from "../src/sim/router-examples.ts";
import { readRuns, readTasks, readTemplates } from "../src/sim/run-file.ts";
import { readPrompt } from "../src/workflow/prompt.ts";
import { countPromptTokens } from "../src/workflow/token-count.ts";

type Print = (line: string) => void;

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval"];
const PASSES = 5;
const STAGES = 500;
/** Of the long prompt in one pass: the processor's clock is coarse. */
const READS = 50;
const MODELS = ["Qwen2.5-1.5B-Instruct", "Qwen2.5-7B-Instruct", "unknown"];
const CHARACTERS_PER_TOKEN = 4;
const CONVERSATION_TOKENS = 4_000;
const BUDGET_MS = 20;
/** Requests that arrive together. */
const BURST = 5;

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      "length-model": { type: "string" },
      "router-model": { type: "string" },
      rate: { type: "string", default: "500" },
      seconds: { type: "string", default: "10" },
    },
  });
  if (!existsSync(DATA)) return print("skipped: ../shared/data is not there");
  const stages = await readStages();
  const { "length-model": length, "router-model": router } = values;
  const files: LearnedFiles = {
    length: length === undefined ? trainedLength(stages) : new Uint8Array(readFileSync(length)),
    router: router === undefined ? trainedRouter(stages) : new Uint8Array(readFileSync(router)),
    priors: {},
  };
  const models = reportLoading(files, print);
  const valid = stages.valid.slice(0, STAGES);
  reportCalls(models, valid, print);
  const text = JSON.stringify({ messages: [{ role: "user", content: "very hard ".repeat(1e5) }] });
  const us = quickest(READS, () => {
    for (let read = 0; read < READS; read++) countPromptTokens(readPrompt(JSON.parse(text)));
  });
  print(`${"a prompt of 1 MB read, on the event loop".padEnd(44)}${us.toFixed(0)} us`);
  await reportService({ files, facts: valid, ...loadOf(values.rate, values.seconds) }, print);
}

interface Stages {
  readonly length: Parameters<typeof trainLength>[0];
  readonly router: Parameters<typeof trainRouter>[0];
  readonly valid: readonly StageFacts[];
}

async function readStages(): Promise<Stages> {
  const read = ["tasks.mint", "tasks.zeroeval"].map((name) => readTasks(fileOf(name)));
  const tasks = (await Promise.all(read)).flatMap(({ rows }) => rows);
  const texts = { tasks, templates: (await readTemplates(fileOf("templates.mint"))).rows };
  const runs = (await Promise.all(SETS.map((name) => readRuns(fileOf(name))))).flatMap(
    ({ rows }) => rows,
  );
  return {
    length: lengthExamples(runs, texts, ["train"]).examples,
    router: routerExamples(runs, texts, ["train"]),
    valid: lengthExamples(runs, texts, ["valid"]).examples.map(({ facts }) => facts),
  };
}

function trainedLength({ length }: Stages): Uint8Array {
  return trainLength(length, { recipe: "default", seed: 1, date: "bench", treeCount: 100 });
}

function trainedRouter({ router }: Stages): Uint8Array {
  return trainRouter(router, { seed: 1, date: "bench" });
}

function reportLoading(files: LearnedFiles, print: Print): LearnedModels {
  for (const name of ["length", "router"] as const) {
    const bytes = files[name];
    if (bytes === null) continue;
    const only = { length: null, router: null, priors: {}, [name]: bytes };
    const ms = quickest(1, () => loadLearned(only)) / 1000;
    print(`${name} file   ${(bytes.length / 1e6).toFixed(1)} MB, loads in ${ms.toFixed(0)} ms`);
  }
  const loaded = loadLearned(files);
  if (!loaded.ok) throw new Error(loaded.message);
  return loaded.models;
}

function reportCalls({ length, router }: LearnedModels, facts: StageFacts[], print: Print): void {
  const say = (what: string, us: number): void => print(`${what.padEnd(44)}${us.toFixed(1)} us`);
  const [model = ""] = MODELS;
  const long = facts.map(conversationOf);
  if (length !== null) {
    const features = facts.map((each) => length.features(each));
    const each = (call: (each: (typeof features)[number]) => unknown) => (): void =>
      features.forEach(call);
    say(
      "ordering, without features",
      quickest(
        facts.length,
        each((at) => length.order(at, model)),
      ),
    );
    say(
      "with quantiles",
      quickest(
        facts.length,
        each((at) => length.predict(at, model)),
      ),
    );
    say(
      "features of a stage",
      quickest(facts.length, () => facts.forEach(length.features)),
    );
    const count = long.length;
    say(
      "features of 4,000 tokens",
      quickest(count, () => long.forEach(length.features)),
    );
  }
  if (router !== null) {
    const decide = (all: readonly StageFacts[]) => (): void =>
      all.forEach((each) => router.confidence(each, MODELS));
    say("a router's decision, 3 models", quickest(facts.length, decide(facts)));
    say("a router's decision on 4,000 tokens", quickest(long.length, decide(long)));
  }
}

/** Microseconds of the processor for one of `count` calls: the quickest of some passes. */
function quickest(count: number, pass: () => unknown): number {
  const times = Array.from({ length: PASSES }, () => {
    const started = process.cpuUsage();
    pass();
    return process.cpuUsage(started).user / count;
  });
  return Math.min(...times);
}

/** The stage with as much of its text, again and again, as fills a long conversation. */
function conversationOf(facts: StageFacts): StageFacts {
  const text = `${facts.text?.user ?? ""} ${facts.workflowId} `;
  const characters = CONVERSATION_TOKENS * CHARACTERS_PER_TOKEN;
  const user = text.repeat(Math.ceil(characters / text.length)).slice(0, characters);
  return { ...facts, text: { system: "", user, recent: [] } };
}

function loadOf(rate: string, seconds: string): { rate: number; seconds: number } {
  return { rate: Number(rate), seconds: Number(seconds) };
}

interface ServiceRun {
  readonly files: LearnedFiles;
  readonly facts: readonly StageFacts[];
  readonly rate: number;
  readonly seconds: number;
}

async function reportService({ files, facts, rate, seconds }: ServiceRun, print: Print) {
  const onProblem = (message: string): void => print(`problem: ${message}`);
  const base = new ColdStart({ confidence: {} });
  const predictor = new LearnedPredictor({ files, base, clock: systemClock, onProblem });
  await predictor.ready();
  const waitsMs: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const startedMs = performance.now();
  loop.enable();
  const asked: Promise<void>[] = [];
  for (let sent = 0; sent < rate * seconds;) {
    for (let index = 0; index < BURST; index++, sent++) {
      const each = facts[sent % facts.length];
      if (each !== undefined) asked.push(askOne(predictor, each, waitsMs));
    }
    const dueMs = startedMs + (sent * 1000) / rate;
    await delay(Math.max(0, dueMs - performance.now()));
  }
  loop.disable();
  await Promise.all(asked);
  const { predicted, late, refused, failed } = predictor.counts();
  await predictor.close();
  waitsMs.sort((one, other) => one - other);
  const wait = (share: number): string =>
    (waitsMs[Math.floor(share * (waitsMs.length - 1))] ?? 0).toFixed(1);
  print(
    `service at ${rate}/s: predicted ${predicted}, late ${late}, refused ${refused}, failed ${failed}`,
  );
  print(`  answer after ${wait(0.5)} ms in the median, ${wait(0.99)} ms at 99 %`);
  print(
    `  loop delay ${(loop.percentile(50) / 1e6).toFixed(2)} ms in the median, ` +
      `${(loop.percentile(99) / 1e6).toFixed(2)} ms at 99 % (1 ms of it is the resolution)`,
  );
}

async function askOne(predictor: LearnedPredictor, facts: StageFacts, waitsMs: number[]) {
  const askedMs = systemClock.nowMs();
  await predictor.predict(facts, MODELS, askedMs + BUDGET_MS);
  waitsMs.push(systemClock.nowMs() - askedMs);
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}
