import { assert } from "../core/assert.ts";
import type { Command, Dispatch, Reject } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import { priorityOf } from "../core/order.ts";
import { OrderedQueue, QueueEntry } from "../core/queue.ts";
import { createRandom } from "../core/random.ts";
import { createState, type State } from "../core/state.ts";
import type { EngineSpec, Outcome } from "../core/types.ts";
import { Timetable } from "./disturbance.ts";
import { coreOf, type DrivenCore } from "./driven-core.ts";
import type { Sequence } from "./engine-queue.ts";
import { EngineSeat } from "./engine-seat.ts";
import { RunningWorkflow, type SimulatedRequest } from "./running-workflow.ts";
import type { SimulationOptions, SimulationResult, StreamOptions } from "./simulation.ts";
import type { PlayableWorkflow } from "./workload.ts";

/** Runs a workload that is at hand, in whatever order, and keeps how every workflow went. */
export function simulate(options: SimulationOptions): SimulationResult {
  const ended = new Map<PlayableWorkflow, RunningWorkflow>();
  const state = simulateStream({
    ...options,
    workflows: options.workflows.toSorted((a, b) => a.arrivalMs - b.arrivalMs),
    onWorkflow: (running) => ended.set(running.workflow, running),
  });
  return { workflows: options.workflows.flatMap((each) => ended.get(each) ?? []), state };
}

/**
 * Runs a workload through the core and the engine model under a virtual clock: event-driven, exact,
 * the same result from the same options, in memory for the workflows that are open. At one instant come
 * first the ends of iterations (engines in order), then arrivals and ready stages (in order of creation),
 * then what is due, then decisions.
 */
export function simulateStream(options: StreamOptions): State {
  const engines = options.engines.map((engine) => engine.spec);
  const state = createState({ ...options.scheduler, engines });
  drive(coreOf(state), options);
  return state;
}

/** As `simulateStream`, with a core that is at hand. */
export function drive(core: DrivenCore, options: StreamOptions): void {
  new Simulation(core, options).run();
}

/** Numbers of later stages start here: at one instant, workflows that arrive come before them. */
const LATER_STAGES_FROM = 2 ** 40;

interface EndedStage {
  readonly engine: EngineSpec;
  readonly sequence: Sequence<SimulatedRequest>;
}

class Simulation {
  readonly #options: StreamOptions;
  readonly #core: DrivenCore;
  readonly #engines: readonly EngineSeat[];
  readonly #byName: ReadonlyMap<string, EngineSeat>;
  /** Workflows whose next stage becomes ready, by time and order of creation. */
  readonly #ready: OrderedQueue<RunningWorkflow>;
  readonly #open = new Map<string, RunningWorkflow>();
  readonly #arriving: Iterator<PlayableWorkflow>;
  /** The next to arrive; null when all have. */
  #next: PlayableWorkflow | null = null;
  /** Engines that queue themselves and whose load the core must be told. */
  readonly #reporting: readonly EngineSeat[];
  readonly #timetable: Timetable | null;
  #arrived = 0;
  #laterStages = LATER_STAGES_FROM;
  #nowMs = 0;

  constructor(core: DrivenCore, options: StreamOptions) {
    this.#core = core;
    this.#options = options;
    this.#engines = options.engines.map((engine) => new EngineSeat(engine));
    this.#byName = new Map(this.#engines.map((seat) => [seat.spec.name, seat]));
    this.#reporting = this.#engines.filter((seat) => seat.spec.queuePlace === "engine");
    this.#ready = new OrderedQueue(createRandom(options.scheduler.seed));
    const { disturbances } = options;
    this.#timetable = disturbances === undefined ? null : new Timetable(disturbances);
    this.#arriving = options.workflows[Symbol.iterator]();
    this.#next = this.#pull();
  }

  run(): void {
    for (;;) {
      const nextMs = this.#nextMs();
      if (nextMs === Number.POSITIVE_INFINITY) break;
      this.#nowMs = nextMs;
      this.#finishIterations();
      this.#disturb();
      this.#bringReady();
      if (this.#core.nextWakeMs() <= this.#nowMs)
        this.#apply({ type: "time-passed", timeMs: this.#nowMs });
      this.#beginIterations();
    }
    for (const running of this.#open.values()) this.#options.onWorkflow(running);
  }

  #nextMs(): number {
    let nextMs = Math.min(
      this.#next?.arrivalMs ?? Number.POSITIVE_INFINITY,
      this.#ready.first()?.priority ?? Number.POSITIVE_INFINITY,
    );
    for (const seat of this.#engines) nextMs = Math.min(nextMs, seat.nextEventMs);
    if (this.#open.size > 0 || nextMs < Number.POSITIVE_INFINITY) {
      nextMs = Math.min(nextMs, this.#timetable?.nextMs ?? Number.POSITIVE_INFINITY);
    }
    // What is due matters only while somebody waits for it.
    if (this.#open.size > 0) nextMs = Math.min(nextMs, this.#core.nextWakeMs());
    return nextMs;
  }

  #becomesReady(running: RunningWorkflow, timeMs: number): void {
    const entry = new QueueEntry(running, this.#laterStages++);
    entry.priority = timeMs;
    this.#ready.insert(entry);
  }

  #finishIterations(): void {
    const ended: EndedStage[] = [];
    for (const seat of this.#engines) {
      if (seat.nextEventMs > this.#nowMs) continue;
      for (const event of seat.model.finish(this.#nowMs)) {
        if (event.type === "ended") ended.push({ engine: seat.spec, sequence: event.sequence });
      }
      seat.changed = true;
    }
    for (const seat of this.#reporting) this.#report(seat);
    for (const { engine, sequence } of ended) this.#stageEnded(engine, sequence);
  }

  /** The next workflow of the workload; null when all have been asked for. */
  #pull(): PlayableWorkflow | null {
    const { done, value } = this.#arriving.next();
    if (done === true) return null;
    assert(
      value.arrivalMs >= (this.#next?.arrivalMs ?? value.arrivalMs),
      "workflows come in order of arrival",
    );
    return value;
  }

  #bringReady(): void {
    for (let next = this.#next; next !== null && next.arrivalMs <= this.#nowMs; next = this.#next) {
      this.#next = this.#pull();
      const { showsText = false, cascades = false } = this.#options;
      const running = new RunningWorkflow(next, { showsText, cascades });
      this.#timetable?.arrived(running, this.#nowMs);
      this.#begin(running, this.#arrived++);
    }
    for (;;) {
      const entry = this.#ready.first();
      if (entry === null || entry.priority > this.#nowMs) return;
      this.#ready.remove(entry);
      if (entry.value.outcome === "open") this.#begin(entry.value, entry.sequence);
    }
  }

  /** What goes wrong at this instant. */
  #disturb(): void {
    if (this.#timetable === null) return;
    for (;;) {
      const happening = this.#timetable.take(this.#nowMs);
      if (happening === null) return;
      if (happening.type === "leaves") this.#leave(happening.running);
      else this.#changeEngine(happening.engine, happening.type === "dies" ? "dead" : "live");
    }
  }

  #changeEngine(name: string, state: "dead" | "live"): void {
    const seat = this.#byName.get(name);
    assert(seat !== undefined, "a fault names an engine");
    if (state === "dead") seat.crash();
    this.#apply({ type: "engine-changed", timeMs: this.#nowMs, engine: name, state });
  }

  /** The client gives its workflow up, wherever that is; of one that is over nothing is left to give up. */
  #leave(running: RunningWorkflow): void {
    if (running.outcome !== "open") return;
    const { requestId } = running;
    const timeMs = this.#nowMs;
    if (this.#open.delete(requestId)) this.#apply({ type: "client-gone", timeMs, requestId });
    this.#workflowFailed(running, "client-gone");
  }

  #begin(running: RunningWorkflow, created: number): void {
    this.#open.set(running.begin(created, this.#nowMs), running);
    this.#apply(running.arrival(this.#options.estimator, this.#options.queueWaitMsMax));
  }

  #beginIterations(): void {
    for (const seat of this.#engines) if (seat.changed) seat.begin(this.#nowMs);
    for (const seat of this.#reporting) this.#report(seat);
  }

  #report({ spec, model }: EngineSeat): void {
    const { waiting, running } = model;
    const load = { waiting, running };
    this.#apply({ type: "engine-changed", timeMs: this.#nowMs, engine: spec.name, load });
  }

  #apply(event: Event): void {
    const commands = this.#core.step(event);
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
        return this.#rejected(command);
      case "predict":
      case "record-stage":
      case "record-workflow":
        return undefined;
    }
  }

  #rejected({ requestId, outcome }: Reject): void {
    const running = this.#open.get(requestId);
    if (running === undefined) return;
    this.#open.delete(requestId);
    this.#workflowFailed(running, outcome);
  }

  /** Nobody will go on with it: the books need not remember it. */
  #workflowFailed(running: RunningWorkflow, outcome: Outcome): void {
    const { id: workflowId } = running.workflow;
    running.fail(outcome, this.#nowMs);
    this.#apply({ type: "workflow-ended", timeMs: this.#nowMs, workflowId, score: null });
    this.#options.onWorkflow(running);
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

  #stageEnded(engine: EngineSpec, sequence: Sequence<SimulatedRequest>): void {
    const { request } = sequence;
    const running = this.#open.get(request.id);
    if (running === undefined) throw new Error(`end of ${request.id}: unknown`);
    this.#open.delete(request.id);
    this.#options.onStage?.({
      workflow: running.workflow.id,
      stage: running.stage,
      engine: engine.name,
      model: engine.model,
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
    this.#options.onWorkflow(running);
  }
}
