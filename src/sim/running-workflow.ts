import type { RequestArrived } from "../core/event.ts";
import type { Estimate, Outcome } from "../core/types.ts";
import type { Estimator, StageFacts, StageSeen, StageText } from "../predict/port.ts";
import type { EngineRequest } from "./engine-queue.ts";
import type { PlayableCourse, PlayableStage, PlayableWorkflow } from "./workload.ts";

/** A stage on its way through an engine. */
export interface SimulatedRequest extends EngineRequest {
  readonly attempt: number;
}

/** Output tokens that predictors may look back at (StageFacts). */
const PRODUCED_STAGES_MAX = 32;
const NONE_PRODUCED: readonly number[] = [];

/** Newest messages that an estimator is shown. */
const RECENT_MESSAGES_MAX = 64;

export interface RunningOptions {
  /** Whether an estimator is shown texts. */
  readonly showsText: boolean;
  /**
   * Whether it runs on one model after the other, in their order, each from its first stage, until one solves it. That one
   * has not is known for certain and for nothing; what real verifiers cost and miss is not in it.
   */
  readonly cascades: boolean;
}

/** One workflow of a simulation: which stage it is at, which model serves it, how it went. */
export class RunningWorkflow {
  readonly workflow: PlayableWorkflow;
  /** Those that may serve the stage under way. */
  #models: readonly string[];
  readonly #showsText: boolean;
  /** Models that are still to be tried, should those before them fail. */
  #later: readonly string[];
  #seen: StageSeen[] = [];
  /** Output tokens of its last stages; a new list at each, since facts outlive the stage. */
  #produced: readonly number[] = NONE_PRODUCED;
  #facts: StageFacts | null = null;
  #estimates: readonly Estimate[] = [];
  #requestId = "";
  /** Over all courses. */
  begunStages = 0;
  completedStages = 0;
  /** Sum over finished stages of the outcome of the model that served each. */
  #credit = 0;
  #stageCreated = 0;
  #readyMs = 0;
  stage = 0;
  /** The model whose course it follows: that of its first stage. */
  course: string | null = null;
  /** What was said of the stage under way on the model that serves it; null before one does. */
  #serving: Estimate | null = null;
  models: string[] = [];
  outputTokens = 0;
  queueWaitMs = 0;
  endMs: number | null = null;
  outcome: "open" | "completed" | "failed" = "open";
  failure: Outcome | null = null;

  constructor(workflow: PlayableWorkflow, options?: RunningOptions) {
    this.workflow = workflow;
    this.#showsText = options?.showsText ?? false;
    const models = Object.keys(workflow.courses);
    const tried = options?.cascades === true ? 1 : models.length;
    this.#models = models.slice(0, tried);
    this.#later = models.slice(tried);
  }

  /**
   * Once completed; 0 while it is not. Of one model: that of its course. Where several took turns, each
   * model's own outcome by its share of the stages: what a mixed run would have come to is not recorded,
   * and neither the first nor the last model may be credited with the work of the others. Of a cascade: that of
   * the course it ended with.
   */
  get score(): number {
    if (this.outcome !== "completed") return 0;
    const isOfOne = this.models.length === 1 || this.#models.length === 1;
    if (isOfOne) return this.#courseOf(this.course).score;
    return this.#credit / (this.stage + 1);
  }

  /** Id of the request of its current stage. */
  get requestId(): string {
    return this.#requestId;
  }

  /** Its next stage becomes ready; answers the id of its request. */
  begin(created: number, nowMs: number): string {
    this.#stageCreated = created;
    this.#readyMs = nowMs;
    this.#requestId = `${this.workflow.id}/${this.begunStages++}`;
    return this.#requestId;
  }

  /** The request of the current stage, with what an estimator says of it on each model. */
  arrival(estimator: Estimator, queueWaitMsMax: number): RequestArrived {
    const course = this.#courseOf(this.course ?? this.#models[0] ?? null);
    const { promptTokens, role } = stageOf(course, this.stage);
    const facts: StageFacts = {
      workflowId: this.workflow.id,
      kind: this.workflow.kind,
      role,
      stage: this.stage,
      pool: "chimera",
      promptTokens,
      systemTokens: 0,
      userTokens: course.stages[0]?.promptTokens ?? promptTokens,
      outputTokensMax: null,
      expectedOutputTokens: null,
      callsLeft: null,
      producedTokens: this.#produced,
      text: this.#showsText ? this.#textOf(course) : null,
    };
    this.#facts = facts;
    this.#serving = null;
    this.#estimates = estimator.estimate(facts, this.#models);
    return {
      type: "request-arrived",
      timeMs: this.#readyMs,
      requestId: this.requestId,
      workflowId: this.workflow.id,
      stage: this.stage,
      class: "default",
      pool: "chimera",
      estimates: this.#estimates,
      predict: false,
      promptTokens,
      outputTokensMax: null,
      streams: true,
      queueWaitMsMax,
      knobs: null,
    };
  }

  /** The facts and the estimate, for the model that serves it, of the stage under way. */
  current(): { readonly facts: StageFacts; readonly estimate: Estimate } {
    if (this.#facts === null || this.#serving === null) {
      throw new Error(`${this.requestId} has not been dispatched`);
    }
    return { facts: this.#facts, estimate: this.#serving };
  }

  /** An engine of the model serves it: the first time, this decides its course. */
  dispatched(model: string): void {
    this.#serving = this.#estimates.find((each) => each.model === model) ?? null;
    if (this.course === null || this.stage === 0) this.course = model;
    if (!this.models.includes(model)) this.models.push(model);
  }

  /** What the engine is asked for the stage under way. */
  request(attempt: number, priority: number): SimulatedRequest {
    const { promptTokens, outputTokens } = this.#stageOn(this.course ?? "");
    return {
      id: this.#requestId,
      workflowId: this.workflow.id,
      promptTokens,
      outputTokens,
      priority,
      readyMs: this.#readyMs,
      created: this.#stageCreated,
      attempt,
    };
  }

  /** Books a finished stage; answers the time until the next one, or null after the last. */
  stageEnded(startedMs: number, estimator: Estimator): number | null {
    const { facts, estimate } = this.current();
    const { model } = estimate;
    const stage = this.#stageOn(this.course ?? "");
    const seen: StageSeen = {
      facts,
      model,
      outcome: "completed",
      outputTokens: stage.outputTokens,
    };
    this.#seen.push(seen);
    const produced = this.#produced.slice(1 - PRODUCED_STAGES_MAX);
    produced.push(stage.outputTokens);
    this.#produced = produced;
    estimator.stageEnded(seen);
    this.#credit += this.#courseOf(model).score;
    this.completedStages++;
    this.outputTokens += stage.outputTokens;
    this.queueWaitMs += startedMs - this.#readyMs;
    if (this.stage + 1 >= this.#courseOf(this.course).stages.length) return this.#escalate();
    this.stage++;
    return stage.toolMs;
  }

  /** The next model begins anew where the course has failed; null where none is left or it has not. */
  #escalate(): 0 | null {
    const [next, ...later] = this.#later;
    if (next === undefined || this.#courseOf(this.course).score >= 1) return null;
    this.#models = [next];
    this.#later = later;
    this.course = null;
    this.stage = 0;
    return 0;
  }

  end(nowMs: number, estimator: Estimator): void {
    this.endMs = nowMs;
    this.outcome = "completed";
    const { kind } = this.workflow;
    estimator.workflowEnded({ kind, stages: this.#seen, score: this.score });
    this.#forget();
  }

  fail(failure: Outcome, nowMs: number): void {
    this.endMs = nowMs;
    this.outcome = "failed";
    this.failure = failure;
    this.#forget();
  }

  /** What only a running workflow needs; a long run keeps results, not courses of events. */
  #forget(): void {
    this.#seen = [];
    this.#estimates = [];
    this.#serving = null;
    this.#facts = null;
  }

  #textOf(course: PlayableCourse): StageText {
    const recent = course.stages
      .slice(0, this.stage)
      .flatMap(({ out, env }) => [
        { role: "assistant", content: out },
        { role: "user", content: env },
      ])
      .filter(({ content }) => content !== "")
      .slice(-RECENT_MESSAGES_MAX);
    return { system: this.workflow.system, user: this.workflow.user, recent };
  }

  #courseOf(model: string | null): PlayableCourse {
    const course = model === null ? undefined : this.workflow.courses[model];
    if (course === undefined) throw new Error(`${this.workflow.id} has no course on ${model}`);
    return course;
  }

  #stageOn(model: string): PlayableStage {
    return stageOf(this.#courseOf(model), this.stage);
  }
}

function stageOf(course: PlayableCourse, index: number): PlayableStage {
  const stage = course.stages[index];
  if (stage === undefined) throw new Error(`a course has no stage ${index}`);
  return stage;
}
