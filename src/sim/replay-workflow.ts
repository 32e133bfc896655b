import type { ReplayClient, StageReply, StageRequest } from "./replay-client.ts";
import type { Timeline } from "./replay-timeline.ts";
import type { WorkflowOutcome } from "./report.ts";
import { messagesOf, type PlayableCourse, type PlayableWorkflow } from "./workload.ts";

/** What all workflows of a replay share. */
export interface ReplayRun {
  readonly client: ReplayClient;
  readonly timeline: Timeline;
  /** Tries of one stage. */
  readonly attemptsMax: number;
  readonly onStart: () => void;
  /** Called when a stage was answered, or finally was not. */
  readonly onStage: (stage: PlayedStage) => void;
}

export interface PlayedStage {
  readonly request: StageRequest;
  readonly reply: StageReply;
}

/** Wait before the second try of a stage, ms of the workload's time; each further one doubles it. */
const RETRY_MS = 500;

/** One workflow on its way through a server, stage after stage. */
export class ReplayedWorkflow {
  readonly #workflow: PlayableWorkflow;
  readonly #run: ReplayRun;
  /** That of the model of its first stage: it tells the texts that follow, the stages and the score. */
  #course: PlayableCourse | null = null;
  readonly #models: string[] = [];
  #stages = 0;
  #requests = 0;
  #outputTokens = 0;
  #queueWaitMs = 0;

  constructor(workflow: PlayableWorkflow, run: ReplayRun) {
    this.#workflow = workflow;
    this.#run = run;
  }

  /** From its arrival to its end and the feedback about it. */
  async play(): Promise<WorkflowOutcome> {
    const { client, timeline, onStart } = this.#run;
    const arrived = await timeline.until(this.#workflow.arrivalMs);
    if (!arrived) return this.#outcome("deadline");
    onStart();
    const outcome = this.#outcome(await this.#playStages());
    await client.sendFeedback(outcome.id, outcome.score);
    return outcome;
  }

  /** Answers why it failed, or null. */
  async #playStages(): Promise<string | null> {
    const { timeline } = this.#run;
    for (;;) {
      const reply = await this.#askUntilAnswered();
      if (!reply.ok) return timeline.over.aborted ? "deadline" : reply.reason;
      this.#course ??= this.#courseOf(reply.model);
      if (this.#course === null) return "unknown-model";
      this.#book(reply);
      const played = this.#course.stages[this.#stages - 1];
      if (played === undefined || this.#stages === this.#course.stages.length) return null;
      const goesOn = await timeline.pause(played.toolMs / timeline.speedup);
      if (!goesOn) return "deadline";
    }
  }

  async #askUntilAnswered(): Promise<StageReply> {
    const { client, timeline, attemptsMax, onStage } = this.#run;
    const request = this.#stageRequest();
    for (let attempt = 1; ; attempt++) {
      this.#requests++;
      const reply = await client.ask(request);
      if (reply.ok || !reply.mayRetry || attempt >= attemptsMax) {
        onStage({ request, reply });
        return reply;
      }
      const backOffMs = (RETRY_MS * 2 ** (attempt - 1)) / timeline.speedup;
      const goesOn = await timeline.pause(reply.retryAfterMs ?? backOffMs);
      if (!goesOn) return reply;
    }
  }

  #stageRequest(): StageRequest {
    const { id, kind, taskId, courses } = this.#workflow;
    const [anyCourse] = Object.values(courses);
    const course = this.#course ?? anyCourse;
    if (course === undefined) throw new Error(`${id} has no course`);
    return {
      workflowId: id,
      kind,
      taskId,
      role: course.stages[this.#stages]?.role ?? null,
      stage: this.#stages,
      messages: messagesOf(this.#workflow, course, this.#stages),
    };
  }

  #courseOf(model: string | null): PlayableCourse | null {
    const { courses } = this.#workflow;
    return model !== null && Object.hasOwn(courses, model) ? (courses[model] ?? null) : null;
  }

  #book(reply: StageReply & { readonly ok: true }): void {
    this.#stages++;
    this.#outputTokens += reply.outputTokens;
    this.#queueWaitMs += reply.queueWaitMs * this.#run.timeline.speedup;
    if (reply.model !== null && !this.#models.includes(reply.model)) this.#models.push(reply.model);
  }

  #outcome(reason: string | null): WorkflowOutcome {
    const { id, taskId, arrivalMs } = this.#workflow;
    return {
      id,
      taskId,
      models: this.#models,
      arrivalMs,
      // One that the deadline kept from starting has taken no time.
      endMs: Math.max(arrivalMs, this.#run.timeline.nowMs),
      outputTokens: this.#outputTokens,
      score: reason === null ? (this.#course?.score ?? 0) : 0,
      queueWaitMs: this.#queueWaitMs,
      outcome: reason === null ? "completed" : "failed",
      reason,
      stages: this.#stages,
      requests: this.#requests,
    };
  }
}
