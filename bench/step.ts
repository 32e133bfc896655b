/**
 * What one `step` costs with many requests queued: `npm run bench -- step`.
 *
 * The queue is filled, then held at that depth: each turn ends a running request (which dispatches
 * one) and brings a new workflow. Beside it the same core with a sorted array for a queue.
 */
import type { Event } from "../src/core/event.ts";
import { AUTO } from "../src/core/policies.ts";
import type { Queue } from "../src/core/queue.ts";
import { createRandom } from "../src/core/random.ts";
import { step } from "../src/core/scheduler.ts";
import { createState, type RequestBook, type State } from "../src/core/state.ts";
import type { EngineSpec } from "../src/core/types.ts";
import { SortedArrayQueue } from "../test/core/sorted-array-queue.ts";

function engine(name: string, model: string, baseMs: number): EngineSpec {
  return {
    name,
    model,
    maxSequences: 16,
    kvTokens: 1_000_000,
    overCommit: 1,
    queuePlace: "gateway",
    speed: { baseMs, perSequenceMs: 0.5, perKvTokenMs: 0, perPromptTokenMs: 0.05 },
    profileMsPerToken: baseMs + 8,
    profileBatch: 16,
  };
}

class World {
  readonly state: State;
  readonly #random = createRandom(11);
  readonly #running: { requestId: string; attempt: number }[] = [];
  #nowMs = 0;
  #count = 0;
  readonly tookUs: number[] = [];

  constructor(createQueue?: () => Queue<RequestBook>) {
    const options = {
      policy: AUTO,
      seed: 1,
      predictionBudgetMs: 20,
      attemptsMax: 3,
      queueRequestsMax: 1_000_000,
      workflowsMax: 1_000_000,
      workflowIdleMs: 1e9,
      engines: [engine("e0", "small", 10), engine("e1", "large", 30), engine("e2", "small", 12)],
    };
    this.state =
      createQueue === undefined ? createState(options) : createState(options, createQueue);
  }

  apply(event: Event, timed: boolean): void {
    const from = process.hrtime.bigint();
    const commands = step(this.state, event);
    if (timed) this.tookUs.push(Number(process.hrtime.bigint() - from) / 1000);
    for (const command of commands) {
      if (command.type === "dispatch") {
        this.#running.push({ requestId: command.requestId, attempt: command.attempt });
      }
    }
  }

  arrive(timed: boolean): void {
    const tokens = 20 + 2000 * this.#random.next() ** 4;
    this.#nowMs += this.#random.next();
    const id = `r${this.#count++}`;
    this.apply(
      {
        type: "request-arrived",
        timeMs: this.#nowMs,
        requestId: id,
        workflowId: id,
        stage: 0,
        class: "default",
        pool: "chimera",
        estimates: ["small", "large"].map((model, index) => ({
          model,
          confidence: (this.#random.next() + index) / 2,
          remainingMean: tokens * (1 + index),
          remainingMedian: tokens,
          stageTokens: tokens / 2,
          source: "bench",
        })),
        predict: false,
        promptTokens: 300,
        outputTokensMax: null,
        streams: true,
        queueWaitMsMax: 1e9,
        knobs: null,
      },
      timed,
    );
  }

  end(timed: boolean): void {
    const at = Math.floor(this.#random.next() * this.#running.length);
    const [ended] = this.#running.splice(at, 1);
    if (ended === undefined) return;
    this.#nowMs += this.#random.next();
    const { requestId, attempt } = ended;
    const result = "completed";
    this.apply(
      { type: "request-ended", timeMs: this.#nowMs, requestId, attempt, result, outputTokens: 100 },
      timed,
    );
    this.apply(
      { type: "workflow-ended", timeMs: this.#nowMs, workflowId: requestId, score: 1 },
      false,
    );
  }
}

function measure(queued: number, steps: number, createQueue?: () => Queue<RequestBook>): string {
  const world = new World(createQueue);
  while (world.state.waitingRequests < queued) world.arrive(false);
  for (let turn = 0; turn < steps / 2; turn++) {
    world.end(true);
    world.arrive(true);
  }
  const sorted = world.tookUs.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return [at(0.5), at(0.99), at(0.999)].map((us) => us.toFixed(1).padStart(9)).join("");
}

export function run(print: (line: string) => void): void {
  print("one step, microseconds            p50      p99    p99.9");
  for (const queued of [100, 1000, 10_000, 100_000]) {
    for (const round of [1, 2, 3]) {
      print(
        `treap        ${String(queued).padStart(7)} queued ${measure(queued, 100_000)}   round ${round}`,
      );
    }
  }
  for (const queued of [100, 1000, 10_000]) {
    const naive = measure(queued, 2000, () => new SortedArrayQueue<RequestBook>());
    print(`sorted array ${String(queued).padStart(7)} queued ${naive}   2,000 steps`);
  }
}
