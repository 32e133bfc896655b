/**
 * Does the engine model agree with a real engine? `npm run -s bench -- real-engine URL [SEQUENCES] [ROUNDS]`
 *
 * Each round profiles the engine as `chimera profile` does, sends it 200 requests that arrive at random at half of
 * what the profile says it can take, and plays the same arrivals and lengths through the engine model with the
 * profiled table. Printed are mean and 95th percentile of the completion times, both ways, and their ratios. Start the
 * engine with `--max-num-seqs SEQUENCES` (16 unless given), on a machine that does nothing else.
 */
import { loadavg } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { parseConfig } from "../src/config/load.ts";
import { createRandom } from "../src/core/random.ts";
import { EngineClient } from "../src/engine/client.ts";
import { systemClock } from "../src/engine/clock.ts";
import { identifyEngine } from "../src/engine/identity.ts";
import { type Profile, profileEngine } from "../src/engine/profile.ts";
import { timedCompletion, type TimedCompletion } from "../src/engine/timed-completion.ts";
import { EngineModel } from "../src/sim/engine-model.ts";

const REQUESTS = 200;
const LOAD = 0.5;
const AGREEMENT = 0.15;
const WORDS_MIN = 5;
const WORDS_MAX = 100;
const OUTPUT_TOKENS_MIN = 16;
const OUTPUT_TOKENS_MAX = 192;

interface Drawn {
  readonly atMs: number;
  readonly words: number;
  readonly outputTokens: number;
}

interface Figures {
  readonly meanMs: number;
  readonly p95Ms: number;
}

export async function run(print: (line: string) => void): Promise<void> {
  const [url, sequences = "16", rounds = "3"] = process.argv.slice(3);
  if (url === undefined) throw new Error("give the engine's URL");
  const client = await clientOf(url);
  const ratios: Figures[] = [];
  for (let round = 1; round <= Number(rounds); round++) {
    const profile = await profiled(client, Number(sequences), round);
    const real = await play(client, drawn(profile, round));
    const seen = figures(real.map(({ sentMs, endedMs }) => endedMs - sentMs));
    const told = figures(simulated(profile, real));
    const ratio = { meanMs: told.meanMs / seen.meanMs, p95Ms: told.p95Ms / seen.p95Ms };
    ratios.push(ratio);
    const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = profile.speed;
    const terms = [baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs, profile.requestMs];
    print(
      `round ${round}: load average ${loadavg()[0]?.toFixed(1)}; table ${terms.map((ms) => ms.toPrecision(3)).join(" ")}`,
    );
    print(line("mean", seen.meanMs, told.meanMs, ratio.meanMs));
    print(line("p95", seen.p95Ms, told.p95Ms, ratio.p95Ms));
  }
  await client.destroy();
  const mean = figures(ratios.map(({ meanMs }) => meanMs)).meanMs;
  const p95 = figures(ratios.map(({ p95Ms }) => p95Ms)).meanMs;
  const agrees = [mean, p95].every((ratio) => Math.abs(ratio - 1) <= AGREEMENT);
  print(
    `over ${rounds} rounds: mean ${mean.toFixed(3)}, p95 ${p95.toFixed(3)}: ${agrees ? "within" : "NOT within"} 15 %`,
  );
  if (!agrees) process.exitCode = 1;
}

function line(name: string, realMs: number, modelMs: number, ratio: number): string {
  return `  ${name.padEnd(4)} real ${realMs.toFixed(0)} ms, model ${modelMs.toFixed(0)} ms, ratio ${ratio.toFixed(3)}`;
}

async function clientOf(url: string): Promise<EngineClient> {
  const asked = engineClient({ url, model: "unknown" });
  const identity = await identifyEngine(asked);
  await asked.destroy();
  const model = identity?.models[0];
  if (identity === null || model === undefined) throw new Error(`${url} lists no models`);
  return engineClient({ url, model, kind: identity.kind });
}

function engineClient(engine: Readonly<Record<string, string>>): EngineClient {
  const text = JSON.stringify({ engines: [engine] });
  const parsed = parseConfig(text, { file: "URL", environment: {}, flags: {} });
  const config = parsed.ok ? parsed.config.engines[0] : undefined;
  if (config === undefined) throw new Error("not the URL of an engine");
  return new EngineClient(config);
}

async function profiled(
  client: EngineClient,
  sequencesMax: number,
  round: number,
): Promise<Profile> {
  const result = await profileEngine(client, {
    sequencesMax,
    outputTokens: 128,
    repeats: 3,
    tokensMax: 1_000_000,
    timeMsMax: 240_000,
    signal: null,
    nonce: `p${round}x${Date.now().toString(36)}`,
    onProgress: () => {},
  });
  if (!result.ok) throw new Error(result.message);
  return result.profile;
}

/** Arrivals of a Poisson process, lengths uniform; the same for one seed and table. */
function drawn({ speed, sequences }: Profile, seed: number): Drawn[] {
  const random = createRandom(seed);
  const between = (low: number, high: number): number =>
    low + Math.floor(random.next() * (high - low + 1));
  const outputMean = (OUTPUT_TOKENS_MIN + OUTPUT_TOKENS_MAX) / 2;
  const promptMean = 2 * (WORDS_MIN + WORDS_MAX);
  const heldTokens = sequences * (promptMean + outputMean / 2);
  const stepMs = speed.baseMs + speed.perSequenceMs * sequences + speed.perKvTokenMs * heldTokens;
  const serviceMs = (outputMean * stepMs) / sequences + promptMean * speed.perPromptTokenMs;
  let atMs = 0;
  return Array.from({ length: REQUESTS }, () => {
    atMs += (-Math.log(1 - random.next()) * serviceMs) / LOAD;
    return {
      atMs,
      words: between(WORDS_MIN, WORDS_MAX),
      outputTokens: between(OUTPUT_TOKENS_MIN, OUTPUT_TOKENS_MAX),
    };
  });
}

async function play(client: EngineClient, requests: readonly Drawn[]): Promise<TimedCompletion[]> {
  const startMs = performance.now();
  const nonce = startMs.toString(36);
  const answers = requests.map(async ({ atMs, words, outputTokens }, index) => {
    await wait(Math.max(0, startMs + atMs - performance.now()));
    const text = Array.from({ length: words }, (_, at) => (at * index) % 97).join(" ");
    return timedCompletion(client, systemClock, {
      prompt: `${index}${nonce} ${text}`,
      outputTokensMax: outputTokens,
      signal: null,
    });
  });
  return (await Promise.all(answers)).map((answer) => {
    if (!answer.ok) throw new Error(answer.message);
    return answer.completion;
  });
}

/** Completion times of the same arrivals and lengths in the engine model. */
function simulated(profile: Profile, real: readonly TimedCompletion[]): number[] {
  const engine = new EngineModel(
    {
      ...profile.speed,
      maxSequences: profile.sequences,
      kvTokens: profile.limits.kvTokens ?? 1_000_000,
      chunkTokens: 2048,
      prefixCache: false,
    },
    { preemption: "none", starvationThreshold: 0, starvationQuantum: 10, tokenEvents: false },
  );
  const arrivals = real
    .toSorted((one, other) => one.sentMs - other.sentMs)
    .map(({ sentMs, promptTokens, outputTokens }, index) => ({
      id: String(index),
      workflowId: null,
      promptTokens,
      outputTokens,
      priority: sentMs,
      readyMs: sentMs,
      created: index,
    }));
  const completionsMs: number[] = [];
  let next = 0;
  for (;;) {
    const nowMs = Math.min(engine.nextEventMs(), arrivals[next]?.readyMs ?? Infinity);
    if (nowMs === Infinity) return completionsMs;
    for (const event of engine.finish(nowMs)) {
      if (event.type !== "ended") continue;
      completionsMs.push(nowMs - event.sequence.request.readyMs + profile.requestMs);
    }
    for (
      let due = arrivals[next];
      due !== undefined && due.readyMs <= nowMs;
      due = arrivals[next]
    ) {
      engine.enqueue(due, nowMs);
      next++;
    }
    engine.begin(nowMs);
  }
}

function figures(values: readonly number[]): Figures {
  const sorted = values.toSorted((one, other) => one - other);
  return {
    meanMs: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p95Ms: sorted[Math.ceil(0.95 * sorted.length) - 1] ?? 0,
  };
}
