/**
 * What one `step` costs with many requests queued: `npm run bench -- step`.
 *
 * The queue is filled, then held at that depth: each turn ends a running request (which dispatches
 * one) and brings a new workflow. Beside it the same core with a sorted array for a queue. Then what a
 * request costs, over all its steps, by the number of engines (every one of them a candidate, one queue
 * each) and by the number of requests that wait for three engines, with the growth fitted to medians.
 *
 *     npm run -s bench -- step [--curves]
 */
import { parseArgs } from "node:util";
import type { Event } from "../src/core/event.ts";
import { AUTO } from "../src/core/policies.ts";
import type { Queue } from "../src/core/queue.ts";
import { createRandom } from "../src/core/random.ts";
import { step } from "../src/core/scheduler.ts";
import { createState, type RequestBook, type State } from "../src/core/state.ts";
import type { EngineSpec } from "../src/core/types.ts";
import { SortedArrayQueue } from "../test/core/sorted-array-queue.ts";

function engine(name: string, model: string, baseMs: number, maxSequences = 16): EngineSpec {
  return {
    name,
    model,
    maxSequences,
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

  constructor(engines: number, maxSequences = 16, createQueue?: () => Queue<RequestBook>) {
    const options = {
      policy: AUTO,
      seed: 1,
      predictionBudgetMs: 20,
      attemptsMax: 3,
      queueRequestsMax: 1_000_000,
      workflowsMax: 1_000_000,
      workflowIdleMs: 1e9,
      engines: Array.from({ length: engines }, (_, index) =>
        engine(
          `e${index}`,
          index % 3 === 1 ? "large" : "small",
          index % 3 === 1 ? 30 : 10,
          maxSequences,
        ),
      ),
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
  const world = new World(3, 16, createQueue);
  while (world.state.waitingRequests < queued) world.arrive(false);
  for (let turn = 0; turn < steps / 2; turn++) {
    world.end(true);
    world.arrive(true);
  }
  const sorted = world.tookUs.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return [at(0.5), at(0.99), at(0.999)].map((us) => us.toFixed(1).padStart(9)).join("");
}

interface Point {
  readonly engines: number;
  readonly queued: number;
}

interface Cost extends Point {
  /** Medians, microseconds: of all steps, and of an arrival and an end together. */
  readonly stepUs: number;
  readonly requestUs: number;
}

function costOf({ engines, queued }: Point): Cost {
  // Every unfinished request keeps its candidates: a small batch keeps a thousand engines in memory.
  const world = new World(engines, 4);
  while (world.state.waitingRequests < queued) world.arrive(false);
  // The more engines, the longer a turn takes: a fixed time, not a fixed number.
  const turns = Math.max(500, Math.min(20_000, 600_000 / engines));
  const ends: number[] = [];
  const arrivals: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    world.end(true);
    ends.push(...world.tookUs.splice(0));
    world.arrive(true);
    arrivals.push(...world.tookUs.splice(0));
  }
  const requestUs = medianOf(ends) + medianOf(arrivals);
  return { engines, queued, stepUs: medianOf([...ends, ...arrivals]), requestUs };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

/** Least squares of y on x: the slope. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const over = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return over / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

function printCurves(print: (line: string) => void): void {
  print("engines    queued   us a step   us a request   (medians)");
  const line = ({ engines, queued, stepUs, requestUs }: Cost): void =>
    print(
      `${String(engines).padStart(7)} ${String(queued).padStart(9)} ${stepUs.toFixed(1).padStart(11)} ` +
        requestUs.toFixed(1).padStart(14),
    );
  costOf({ engines: 3, queued: 100 });
  const byEngines = [3, 10, 30, 100, 300, 1000].map((engines) => {
    const cost = costOf({ engines, queued: 4 * engines });
    line(cost);
    return cost;
  });
  const power = slopeOf(
    byEngines.map(({ engines, requestUs }) => [Math.log(engines), Math.log(requestUs)]),
  );
  print(`a request costs as engines to the power of ${power.toFixed(2)} (1: linear)`);
  // Where most queues are empty, engines look for a late choice in those of the others.
  line(costOf({ engines: 1000, queued: 1000 }));
  const byQueue = [100, 1000, 10_000, 100_000].map((queued) => {
    const cost = costOf({ engines: 3, queued });
    line(cost);
    return cost;
  });
  const perTenfold = slopeOf(
    byQueue.map(({ queued, requestUs }) => [Math.log10(queued), requestUs]),
  );
  const exponent = slopeOf(
    byQueue.map(({ queued, requestUs }) => [Math.log(queued), Math.log(requestUs)]),
  );
  print(
    `ten times the queue adds ${perTenfold.toFixed(1)} us; as a power of the queue: ${exponent.toFixed(2)} (1: linear)`,
  );
}

export function run(print: (line: string) => void): void {
  const options = { curves: { type: "boolean", default: false } } as const;
  const { values } = parseArgs({ args: process.argv.slice(3), options });
  if (values.curves) return printCurves(print);
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
