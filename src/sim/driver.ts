import type { Command, Dispatch } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import { priorityOf } from "../core/order.ts";
import { OrderedQueue, QueueEntry } from "../core/queue.ts";
import { createRandom } from "../core/random.ts";
import { nextWakeMs, step } from "../core/scheduler.ts";
import { createState, type SchedulerOptions, type State } from "../core/state.ts";
import type { EngineSpec, Order } from "../core/types.ts";
import type { Estimator } from "../predict/port.ts";
import type { EngineModel } from "./engine-model.ts";
import type { Sequence } from "./engine-queue.ts";
import { RunningWorkflow, type SimulatedRequest } from "./running-workflow.ts";
import type { PlayableWorkflow } from "./workload.ts";

/** One simulated engine: what the core knows of it, and the model that runs it. */
export interface SimulatedEngine {
  readonly spec: EngineSpec;
  readonly model: EngineModel<SimulatedRequest>;
}

export interface SimulationOptions {
  readonly scheduler: Omit<SchedulerOptions, "engines">;
  readonly engines: readonly SimulatedEngine[];
  /** How the engines order what waits inside them. */
  readonly engineOrder: Order;
  readonly workflows: readonly PlayableWorkflow[];
  readonly estimator: Estimator;
  readonly queueWaitMsMax: number;
  /** Whether the estimator is shown texts; only learned ones read them. */
  readonly showsText?: boolean;
  /** Sees every stage as it ends; nothing is kept of it otherwise. */
  readonly onStage?: (stage: StageResult) => void;
  /** Sees every step: for logs and what-if. */
  readonly observe?: (event: Event, commands: readonly Command[]) => void;
}

/** A stage as it was served. Times in ms. */
export interface StageResult {
  readonly workflow: string;
  readonly stage: number;
  readonly engine: string;
  readonly model: string;
  readonly readyMs: number;
  /** When an engine first admitted it. */
  readonly startMs: number;
  readonly endMs: number;
  readonly preemptions: number;
}

export interface SimulationResult {
  readonly workflows: readonly RunningWorkflow[];
  readonly state: State;
}

/**
 * Runs a workload through the core and the engine model under a virtual clock: event-driven, exact,
 * the same result from the same options. At one instant come first the ends of iterations (engines in
 * order), then arrivals and ready stages (in order of creation), then what is due, then decisions.
 */
export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

interface EndedStage {
  readonly engine: SimulatedEngine;
  readonly sequence: Sequence<SimulatedRequest>;
}

/** An engine in the run: asked only when its time has come or something has reached it. */
class EngineSeat {
  readonly engine: SimulatedEngine;
  /** When its iterations under way end. */
  nextEventMs = Number.POSITIVE_INFINITY;
  /** Something has happened to it since it last began. */
  changed = false;

  constructor(engine: SimulatedEngine) {
    this.engine = engine;
  }

  enqueue(request: SimulatedRequest, nowMs: number): void {
    this.engine.model.enqueue(request, nowMs);
    this.#note();
  }

  cancel(id: string, nowMs: number): void {
    this.engine.model.cancel(id, nowMs);
    this.#note();
  }

  begin(nowMs: number): void {
    this.engine.model.begin(nowMs);
    this.#note();
    this.changed = false;
  }

  #note(): void {
    this.nextEventMs = this.engine.model.nextEventMs();
    this.changed = true;
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #state: State;
  readonly #engines: readonly EngineSeat[];
  readonly #byName: ReadonlyMap<string, EngineSeat>;
  /** Workflows whose next stage becomes ready, by time and order of creation. */
  readonly #ready: OrderedQueue<RunningWorkflow>;
  readonly #open = new Map<string, RunningWorkflow>();
  readonly #workflows: RunningWorkflow[] = [];
  /** Those that have not arrived, the next one last: in the order of arrival and of the workload. */
  readonly #arriving: RunningWorkflow[] = [];
  /** Engines that queue themselves and whose load the core must be told. */
  readonly #reporting: readonly SimulatedEngine[];
  #created = 0;
  #nowMs = 0;

  constructor(options: SimulationOptions) {
    const engines = options.engines.map((engine) => engine.spec);
    this.#options = options;
    this.#engines = options.engines.map((engine) => new EngineSeat(engine));
    this.#byName = new Map(this.#engines.map((seat) => [seat.engine.spec.name, seat]));
    this.#reporting = options.engines.filter((engine) => engine.spec.queuePlace === "engine");
    this.#state = createState({ ...options.scheduler, engines });
    this.#ready = new OrderedQueue(createRandom(options.scheduler.seed));
    for (const workflow of options.workflows) {
      const running = new RunningWorkflow(
        workflow,
        this.#workflows.length,
        options.showsText ?? false,
      );
      this.#workflows.push(running);
      this.#arriving.push(running);
    }
    this.#created = this.#arriving.length;
    this.#arriving.sort((a, b) => a.workflow.arrivalMs - b.workflow.arrivalMs).reverse();
  }

  run(): SimulationResult {
    for (;;) {
      const nextMs = this.#nextMs();
      if (nextMs === Number.POSITIVE_INFINITY) break;
      this.#nowMs = nextMs;
      this.#finishIterations();
      this.#bringReady();
      if (nextWakeMs(this.#state) <= this.#nowMs)
        this.#apply({ type: "time-passed", timeMs: this.#nowMs });
      this.#beginIterations();
    }
    return { workflows: this.#workflows, state: this.#state };
  }

  #nextMs(): number {
    let nextMs = Math.min(
      this.#arriving.at(-1)?.workflow.arrivalMs ?? Number.POSITIVE_INFINITY,
      this.#ready.first()?.priority ?? Number.POSITIVE_INFINITY,
    );
    for (const seat of this.#engines) nextMs = Math.min(nextMs, seat.nextEventMs);
    // What is due matters only while somebody waits for it.
    if (this.#open.size > 0) nextMs = Math.min(nextMs, nextWakeMs(this.#state));
    return nextMs;
  }

  #becomesReady(running: RunningWorkflow, timeMs: number): void {
    const entry = new QueueEntry(running, this.#created++);
    entry.priority = timeMs;
    this.#ready.insert(entry);
  }

  #finishIterations(): void {
    const ended: EndedStage[] = [];
    for (const seat of this.#engines) {
      if (seat.nextEventMs > this.#nowMs) continue;
      for (const event of seat.engine.model.finish(this.#nowMs)) {
        if (event.type === "ended") ended.push({ engine: seat.engine, sequence: event.sequence });
      }
      seat.changed = true;
    }
    for (const engine of this.#reporting) this.#report(engine);
    for (const { engine, sequence } of ended) this.#stageEnded(engine, sequence);
  }

  /** Workflows that arrive were created before every later stage. */
  #bringReady(): void {
    for (;;) {
      const next = this.#arriving.at(-1);
      if (next === undefined || next.workflow.arrivalMs > this.#nowMs) break;
      this.#arriving.pop();
      this.#begin(next, next.created);
    }
    for (;;) {
      const entry = this.#ready.first();
      if (entry === null || entry.priority > this.#nowMs) return;
      this.#ready.remove(entry);
      const running = entry.value;
      this.#begin(running, entry.sequence);
    }
  }

  #begin(running: RunningWorkflow, created: number): void {
    this.#open.set(running.begin(created, this.#nowMs), running);
    this.#apply(running.arrival(this.#options.estimator, this.#options.queueWaitMsMax));
  }

  #beginIterations(): void {
    for (const seat of this.#engines) if (seat.changed) seat.begin(this.#nowMs);
    for (const engine of this.#reporting) this.#report(engine);
  }

  #report(engine: SimulatedEngine): void {
    const { waiting, running } = engine.model;
    const load = { waiting, running };
    this.#apply({ type: "engine-changed", timeMs: this.#nowMs, engine: engine.spec.name, load });
  }

  #apply(event: Event): void {
    const commands = step(this.#state, event);
    this.#options.observe?.(event, commands);
    for (const command of commands) this.#carryOut(command);
  }

  #carryOut(command: Command): void {
    switch (command.type) {
      case "dispatch":
        return this.#dispatch(command);
      case "abort":
        this.#byName.get(command.engine)?.cancel(command.requestId, this.#nowMs);
        return undefined;
      case "reject":
        this.#open.get(command.requestId)?.fail(command.outcome, this.#nowMs);
        this.#open.delete(command.requestId);
        return undefined;
      case "predict":
      case "record-stage":
      case "record-workflow":
        return undefined;
    }
  }

  #dispatch(command: Dispatch): void {
    const running = this.#open.get(command.requestId);
    const seat = this.#byName.get(command.engine);
    if (running === undefined || seat === undefined) {
      throw new Error(`dispatch of ${command.requestId} to ${command.engine}: unknown`);
    }
    running.dispatched(command.decision.model);
    const { facts, estimate } = running.current();
    const priority = priorityOf(this.#options.engineOrder, {
      workflowArrivalMs: running.workflow.arrivalMs,
      stageTokens: estimate.stageTokens,
      remainingTokens: estimate.remainingMedian,
      producedTokens: running.outputTokens,
      attainedTokens: 0,
      promptTokens: facts.promptTokens,
      ageReading: 0,
    });
    seat.enqueue(running.request(command.attempt, priority), this.#nowMs);
  }

  #stageEnded(engine: SimulatedEngine, sequence: Sequence<SimulatedRequest>): void {
    const { request } = sequence;
    const running = this.#open.get(request.id);
    if (running === undefined) throw new Error(`end of ${request.id}: unknown`);
    this.#open.delete(request.id);
    this.#options.onStage?.({
      workflow: running.workflow.id,
      stage: running.stage,
      engine: engine.spec.name,
      model: engine.spec.model,
      readyMs: request.readyMs,
      startMs: sequence.startedMs ?? this.#nowMs,
      endMs: this.#nowMs,
      preemptions: sequence.preemptions,
    });
    const toolMs = running.stageEnded(sequence.startedMs ?? this.#nowMs, this.#options.estimator);
    this.#apply({
      type: "request-ended",
      timeMs: this.#nowMs,
      requestId: request.id,
      attempt: request.attempt,
      result: "completed",
      outputTokens: request.outputTokens,
    });
    if (toolMs === null) this.#workflowEnded(running);
    else this.#becomesReady(running, this.#nowMs + toolMs);
  }

  #workflowEnded(running: RunningWorkflow): void {
    running.end(this.#nowMs, this.#options.estimator);
    this.#apply({
      type: "workflow-ended",
      timeMs: this.#nowMs,
      workflowId: running.workflow.id,
      score: running.score,
    });
  }
}
