import { Aging } from "./fairness.ts";
import { AgeClock } from "./clock.ts";
import type { Command } from "./command.ts";
import type { RequestArrived } from "./event.ts";
import type { Account, Line } from "./ledger.ts";
import { type Idle, IdleList } from "./idle.ts";
import { RunningMean } from "./mean.ts";
import { OrderedQueue, QueueEntry, type Queue, type QueuePrefix } from "./queue.ts";
import { createRandom, type Random } from "./random.ts";
import { targetPriceOf, type TargetPrice } from "./target.ts";
import { TurnQueue, type Turned } from "./turn-queue.ts";
import {
  PRIORITY_CLASSES,
  type Decision,
  type EngineSpec,
  type EngineState,
  type Estimate,
  type Policy,
  type PriorityClass,
  type Speed,
} from "./types.ts";

export interface SchedulerOptions {
  readonly policy: Policy;
  /** Seeds chance (random choice, tree shapes). */
  readonly seed: number;
  /** Longest time a request waits for its prediction. */
  readonly predictionBudgetMs: number;
  /** Dispatches of one request that may fail before it does. */
  readonly attemptsMax: number;
  /** Requests that may be unfinished and not yet dispatched; one more is rejected. */
  readonly queueRequestsMax: number;
  /** Predicted tokens that may wait in all queues; no bound unless given. A single request always may. */
  readonly queueTokensMax?: number;
  /** Workflows remembered; the one that is idle longest makes room. */
  readonly workflowsMax: number;
  /** A workflow without requests for so long is finished. */
  readonly workflowIdleMs: number;
  /** Engines that are there from the start; others join by event. */
  readonly engines: readonly EngineSpec[];
}

/** Where a request is. Exactly one at a time (invariant 2). */
export type RequestState = "predicting" | "queued" | "running" | "ended";

/** One unfinished request. Owned by the state from arrival to outcome. */
export class RequestBook implements Line, Turned<RequestBook> {
  readonly arrived: RequestArrived;
  readonly workflow: WorkflowBook;
  readonly sequence: number;
  readonly entry: QueueEntry<RequestBook>;
  place: QueueEntry<RequestBook> | null = null;
  /** Tokens that its tenant's turn was moved on by when it was dispatched. */
  chargedTokens = 0;
  /** Its place among the deadlines (prediction, then queue wait). */
  readonly deadline: QueueEntry<RequestBook>;
  state: RequestState = "predicting";
  /** Current estimates, one per candidate model; replaced when the predictor answers. */
  estimates: readonly Estimate[];
  prediction: Decision["prediction"] = "not-asked";
  engine: EngineBook | null = null;
  decision: Decision | null = null;
  /** Engines that have sent it back; avoided while another can serve. Null before the first. */
  avoid: Set<EngineBook> | null = null;
  attempt = 0;
  failures = 0;
  tokensSeen = 0;
  heldTokens = 0;
  queuedMs: number | null = null;
  dispatchedMs: number | null = null;
  firstTokenMs: number | null = null;
  /** Rounds of its engine when it was dispatched at a raised level; null otherwise. */
  promotedAtRound: number | null = null;
  // Line of the ledger.
  account: Account | null = null;
  bookedTokens = 0;
  // Place among those that age.
  joinedRound = 0;
  older: RequestBook | null = null;
  younger: RequestBook | null = null;
  aging = false;

  constructor(arrived: RequestArrived, workflow: WorkflowBook, sequence: number) {
    this.arrived = arrived;
    this.workflow = workflow;
    this.sequence = sequence;
    this.estimates = arrived.estimates;
    this.entry = new QueueEntry<RequestBook>(this, sequence);
    this.entry.rank = PRIORITY_CLASSES.indexOf(arrived.class);
    this.entry.readyMs = arrived.timeMs;
    this.deadline = new QueueEntry<RequestBook>(this, sequence);
  }

  get level(): number {
    return this.entry.level;
  }

  set level(level: number) {
    this.entry.level = level;
  }
}

/** The engine that serves a workflow's requests of one pool. */
export interface Home {
  readonly pool: string;
  engine: EngineBook;
  model: string;
  /** A stage has been dispatched there: from now on it stays. */
  started: boolean;
}

export class WorkflowBook implements Idle<WorkflowBook> {
  readonly id: string;
  readonly arrivedMs: number;
  /** Reading of the age clock at its arrival. */
  readonly ageReading: number;
  /** By pool; nearly always one. */
  readonly homes: Home[] = [];
  readonly models: string[] = [];
  /** Its predicted length has moved the scales (U). */
  observed = false;
  openRequests = 0;
  stages = 0;
  completedStages = 0;
  /** Output tokens of its completed stages. */
  producedTokens = 0;
  lastSeenMs: number;
  // Place among those that are idle.
  idles = false;
  idleSooner: WorkflowBook | null = null;
  idleLater: WorkflowBook | null = null;
  /** Declared finished while requests were open; the score that was given. */
  declared: { readonly score: number | null } | null = null;
  /** Prompt and output of the last completed stage, and the engine that holds them. */
  context: { readonly engine: EngineBook; readonly tokens: number } | null = null;

  constructor(id: string, nowMs: number, ageReading: number) {
    this.id = id;
    this.arrivedMs = nowMs;
    this.ageReading = ageReading;
    this.lastSeenMs = nowMs;
  }

  homeOf(pool: string): Home | undefined {
    for (const home of this.homes) if (home.pool === pool) return home;
    return undefined;
  }
}

/** Stages and prompts whose lengths shape an engine's means. */
const STAGES_REMEMBERED = 500;

/** One engine: what it is, what waits for it and what it runs. */
export class EngineBook implements Account {
  spec: EngineSpec;
  state: EngineState = "live";
  readonly queue: TurnQueue<RequestBook>;
  readonly aging: Aging<RequestBook>;
  readonly running: Map<string, RequestBook> = new Map();
  /** KV tokens that the running requests are expected to hold. */
  heldTokens = 0;
  inFlightTokens = 0;
  inFlightRequests = 0;
  promotions = 0;
  /** What it said of its own queue, and how many requests it was sent since. */
  reported: { readonly waiting: number; readonly running: number } | null = null;
  sentSinceReport = 0;
  /** It takes nothing until then: it was full or failed. */
  pausedUntilMs = 0;
  /** It was full and said itself that it takes nothing until then; never later than `pausedUntilMs`. */
  fullUntilMs = 0;
  failuresInRow = 0;
  /** Output tokens of a stage. */
  readonly stageTokens: RunningMean = new RunningMean(0, STAGES_REMEMBERED);
  /** Prompt tokens that had to be computed per output token. */
  readonly promptPerOutput: RunningMean = new RunningMean(0, STAGES_REMEMBERED);

  constructor(spec: EngineSpec, queue: TurnQueue<RequestBook>, starvationThreshold: number) {
    this.spec = spec;
    this.queue = queue;
    this.aging = new Aging<RequestBook>(starvationThreshold);
  }

  get speed(): Speed {
    return this.spec.speed;
  }
}

/** Everything the scheduler knows. One owner, changed only by `step`. */
export interface State {
  /** Replaced by `settings-changed` alone. */
  options: SchedulerOptions;
  readonly random: Random;
  readonly createQueue: () => Queue<RequestBook>;
  readonly clock: AgeClock;
  /** Null where the policy has no target. */
  targetPrice: TargetPrice | null;
  /** In the order in which they joined. */
  readonly engines: EngineBook[];
  readonly requests: Map<string, RequestBook>;
  readonly workflows: Map<string, WorkflowBook>;
  /** Workflows without open requests, the one idle longest first. */
  readonly idle: IdleList<WorkflowBook>;
  /** Accepted requests whose engines are all gone, in order of arrival. */
  readonly stranded: Map<string, RequestBook>;
  readonly deadlines: Queue<RequestBook>;
  nowMs: number;
  /** No engine is paused for longer. */
  pausedUntilMs: number;
  sequence: number;
  /** Requests not yet dispatched. */
  waitingRequests: number;
  readonly waitingByClass: Record<PriorityClass, number>;
  /** Tenants with requests that wait, and how many. */
  readonly waitingByTenant: Map<string, number>;
  roundRobin: number;
  /** Answers of the queue's sums: no allocation while candidates are weighed. */
  readonly prefix: QueuePrefix;
  /** Filled during a step, handed out at its end. */
  commands: Command[];
}

/**
 * A fresh scheduler. Queues have a source of chance of their own, so that their shape has no part in
 * any choice; `createQueue` puts another kind in their place, to compare the two.
 */
export function createState(
  options: SchedulerOptions,
  createQueue: () => Queue<RequestBook> = queueFactory(options.seed),
): State {
  const state: State = {
    options,
    random: createRandom(options.seed),
    createQueue,
    clock: new AgeClock(options.policy.ageScale),
    targetPrice: targetPriceOf(options.policy, null),
    engines: [],
    requests: new Map(),
    workflows: new Map(),
    idle: new IdleList(),
    stranded: new Map(),
    deadlines: createQueue(),
    nowMs: Number.NEGATIVE_INFINITY,
    pausedUntilMs: 0,
    sequence: 0,
    waitingRequests: 0,
    waitingByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
    waitingByTenant: new Map(),
    roundRobin: 0,
    prefix: { count: 0, tokens: 0 },
    commands: [],
  };
  for (const spec of options.engines) state.engines.push(createEngine(state, spec));
  return state;
}

function queueFactory(seed: number): () => Queue<RequestBook> {
  const random = createRandom(seed ^ 0x5eed);
  return () => new OrderedQueue<RequestBook>(random);
}

export function createEngine(state: State, spec: EngineSpec): EngineBook {
  const queue = new TurnQueue<RequestBook>(state.createQueue);
  return new EngineBook(spec, queue, state.options.policy.starvationThreshold);
}

export function findEngine(state: State, name: string): EngineBook | null {
  for (const engine of state.engines) if (engine.spec.name === name) return engine;
  return null;
}
