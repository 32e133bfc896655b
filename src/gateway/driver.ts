import type {
  Abort,
  Command,
  Dispatch,
  Predict,
  Reject,
  StageRecord,
  WorkflowRecord,
} from "../core/command.ts";
import type { Event, RequestArrived, WorkflowMemory } from "../core/event.ts";
import { workflowMemories } from "../core/memory.ts";
import { nextWakeMs, step } from "../core/scheduler.ts";
import { createState, findEngine, type SchedulerOptions, type State } from "../core/state.ts";
import { queueView, type QueuedView } from "../core/queue-view.ts";
import { view, type View } from "../core/view.ts";
import type { Clock, Timer } from "../engine/clock.ts";
import type { ErrorCode } from "./errors.ts";
import type { Predictor, StageFacts } from "../predict/port.ts";

/** An event without its time: the driver is the only one that reads the clock. */
export type Untimed<E> = E extends Event ? Omit<E, "timeMs"> : never;

/** The live side of one request: carries out what the core decides about it. Calls never throw. */
export interface RequestHandler extends EndedRequest {
  dispatch(command: Dispatch): void;
  abort(command: Abort): void;
  reject(command: Reject): void;
  /** The core has closed its books on the request; nothing follows but aborts of the same step. */
  ended(record: StageRecord): void;
}

/** What is known of a request beside the core's record of it. */
export interface EndedRequest {
  readonly facts: StageFacts;
  /** The error that its client was answered with, or null. */
  readonly errorCode: ErrorCode | null;
}

/** Keeps what has ended. Calls never throw. */
export interface Recorder {
  stageEnded(record: StageRecord, request: EndedRequest): void;
  workflowEnded(record: WorkflowRecord): void;
}

/** Sees each step after the core has taken it and before its commands are carried out. */
export type StepObserver = (event: Event, commands: readonly Command[], tookMs: number) => void;

/** Longest delay that Node's timers can count. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export interface DriverOptions {
  readonly scheduler: SchedulerOptions;
  readonly clock: Clock;
  readonly predictor: Predictor | null;
  readonly recorder: Recorder;
  readonly observers: readonly StepObserver[];
}

/**
 * Owns the one state of the core: feeds it events in the order in which they came, carries out its
 * commands, and wakes it when something is due. An event raised while commands are carried out waits
 * for its turn, so no step ever runs inside another.
 */
export class Driver {
  readonly #state: State;
  readonly #clock: Clock;
  readonly #predictor: Predictor | null;
  readonly #recorder: Recorder;
  readonly #observers: readonly StepObserver[];
  /** Unfinished requests by id. */
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #pending: Event[] = [];
  #stepping = false;
  #wakeMs = Number.POSITIVE_INFINITY;
  #wakeTimer: Timer | null = null;
  #closed = false;

  constructor(options: DriverOptions) {
    this.#state = createState(options.scheduler);
    this.#clock = options.clock;
    this.#predictor = options.predictor;
    this.#recorder = options.recorder;
    this.#observers = options.observers;
  }

  get nowMs(): number {
    return this.#clock.nowMs();
  }

  get openRequests(): number {
    return this.#handlers.size;
  }

  isOpen(requestId: string): boolean {
    return this.#handlers.has(requestId);
  }

  view(): View {
    return view(this.#state);
  }

  /** Heads of the queues; see `queueView`. */
  queued(rowsPerEngineMax: number, enginesMax: number): readonly QueuedView[] {
    return queueView(this.#state, rowsPerEngineMax, enginesMax);
  }

  /** What outlives the process of the newest workflows, at most so many. */
  memories(workflowsMax: number): readonly WorkflowMemory[] {
    return workflowMemories(this.#state, workflowsMax);
  }

  /** Requests that were sent to the engine and have not ended. */
  runningAt(engine: string): number {
    return findEngine(this.#state, engine)?.running.size ?? 0;
  }

  /** Hands a request to the core; its id must not be in use (`isOpen`). */
  admit(arrived: Untimed<RequestArrived>, handler: RequestHandler): void {
    this.#handlers.set(arrived.requestId, handler);
    this.apply(arrived);
  }

  apply(event: Untimed<Event>): void {
    if (this.#closed) return;
    this.#pending.push(timed(event, this.#clock.nowMs()));
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
        this.#take(next);
      }
    } finally {
      this.#stepping = false;
    }
    this.#setWake();
  }

  /** Stops the timer; later events are ignored. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wakeTimer?.cancel();
    this.#handlers.clear();
  }

  #take(event: Event): void {
    const beganMs = this.#clock.nowMs();
    const commands = step(this.#state, event);
    const tookMs = this.#clock.nowMs() - beganMs;
    for (const observe of this.#observers) observe(event, commands, tookMs);
    for (const command of commands) this.#carryOut(command);
    for (const command of commands) {
      if (command.type === "record-stage") this.#handlers.delete(command.requestId);
    }
  }

  #carryOut(command: Command): void {
    if (command.type === "record-workflow") return this.#recorder.workflowEnded(command);
    const handler = this.#handlers.get(command.requestId);
    if (handler === undefined) throw new Error(`${command.type} for an unknown request`);
    switch (command.type) {
      case "predict":
        this.#predict(command, handler);
        return;
      case "dispatch":
        handler.dispatch(command);
        return;
      case "abort":
        handler.abort(command);
        return;
      case "reject":
        handler.reject(command);
        return;
      case "record-stage":
        handler.ended(command);
        this.#recorder.stageEnded(command, handler);
        return;
    }
  }

  #predict(command: Predict, handler: RequestHandler): void {
    const { requestId, models, deadlineMs } = command;
    const answer = (estimates: Awaited<ReturnType<Predictor["predict"]>>): void => {
      if (this.#handlers.get(requestId) !== handler) return;
      this.apply({ type: "prediction-ready", requestId, estimates });
    };
    if (this.#predictor === null) return answer(null);
    this.#predictor.predict(handler.facts, models, deadlineMs).then(answer, () => answer(null));
  }

  /** Keeps one timer, set no later than the core's next deadline. */
  #setWake(): void {
    const dueMs = this.#closed ? Number.POSITIVE_INFINITY : nextWakeMs(this.#state);
    // A timer that fires too early only looks again; that is cheaper than to set it anew at each step.
    if (dueMs >= this.#wakeMs) return;
    this.#wakeTimer?.cancel();
    this.#wakeMs = dueMs;
    const delayMs = Math.ceil(Math.max(0, dueMs - this.#clock.nowMs()));
    this.#wakeTimer = this.#clock.setTimer(() => this.#wake(), Math.min(delayMs, DELAY_MS_MAX));
  }

  #wake(): void {
    this.#wakeMs = Number.POSITIVE_INFINITY;
    if (nextWakeMs(this.#state) > this.#clock.nowMs()) return this.#setWake();
    this.apply({ type: "time-passed" });
  }
}

/** The event itself, not a copy: one is made for every step. */
function timed(event: Untimed<Event>, timeMs: number): Event {
  const known: { type: Event["type"]; timeMs?: number } = event;
  known.timeMs = timeMs;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has all that it lacked
  return event as Event;
}
