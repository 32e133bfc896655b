import type { Command, Dispatch } from "../../src/core/command.ts";
import type { Event, RequestArrived } from "../../src/core/event.ts";
import { AUTO } from "../../src/core/policies.ts";
import { step } from "../../src/core/scheduler.ts";
import { createState, type SchedulerOptions, type State } from "../../src/core/state.ts";
import type { Decision, EngineSpec, Estimate, Policy } from "../../src/core/types.ts";

export { AUTO };

/** Algorithm 1 of the paper with its order. */
export const PAPER: Policy = { ...AUTO, choice: "paper", order: "stjf", slack: 1, minGain: 0.1 };

export function engine(name: string, model: string, more: Partial<EngineSpec> = {}): EngineSpec {
  return {
    name,
    model,
    maxSequences: 1,
    kvTokens: 1_000_000,
    overCommit: 0,
    queuePlace: "gateway",
    speed: { baseMs: 10, perSequenceMs: 0, perKvTokenMs: 0, perPromptTokenMs: 0 },
    profileMsPerToken: 10,
    profileBatch: 1,
    ...more,
  };
}

export function estimate(model: string, confidence: number, tokens: number): Estimate {
  return {
    model,
    confidence,
    remainingMean: tokens,
    remainingMedian: tokens,
    stageTokens: tokens,
    source: "test",
  };
}

/** A scheduler in hand: events go in by short calls, commands and decisions are kept. */
export class Bench {
  readonly state: State;
  nowMs = 0;
  commands: Command[] = [];

  constructor(
    engines: readonly EngineSpec[],
    policy: Policy,
    more: Partial<SchedulerOptions> = {},
  ) {
    this.state = createState({
      policy,
      seed: 1,
      predictionBudgetMs: 20,
      attemptsMax: 3,
      queueRequestsMax: 1000,
      workflowsMax: 1000,
      workflowIdleMs: 60_000,
      engines,
      ...more,
    });
  }

  apply(event: Event): readonly Command[] {
    const commands = step(this.state, event);
    this.commands.push(...commands);
    return commands;
  }

  arrive(
    requestId: string,
    estimates: readonly Estimate[],
    more: Partial<RequestArrived> = {},
  ): readonly Command[] {
    return this.apply({
      type: "request-arrived",
      timeMs: this.nowMs,
      requestId,
      workflowId: requestId,
      stage: 0,
      class: "default",
      pool: "chimera",
      estimates,
      predict: false,
      promptTokens: 10,
      outputTokensMax: null,
      streams: true,
      queueWaitMsMax: 1e6,
      knobs: null,
      ...more,
    });
  }

  end(
    requestId: string,
    result: "completed" | "refused" | "failed" | "full" = "completed",
    outputTokens = 10,
    retryAfterMs: number | null = null,
  ): readonly Command[] {
    const attempt = this.dispatchOf(requestId)?.attempt ?? 1;
    return this.apply({
      type: "request-ended",
      timeMs: this.nowMs,
      requestId,
      attempt,
      result,
      outputTokens,
      retryAfterMs,
    });
  }

  /** The last dispatch of a request. */
  dispatchOf(requestId: string): Dispatch | undefined {
    return this.commands.findLast(
      (command): command is Dispatch =>
        command.type === "dispatch" && command.requestId === requestId,
    );
  }

  /** The standing decision about an unfinished request. */
  decisionOf(requestId: string): Decision | null {
    return this.state.requests.get(requestId)?.decision ?? null;
  }

  /** Requests in the order in which they were dispatched. */
  dispatched(): string[] {
    return this.commands.flatMap((command) =>
      command.type === "dispatch" ? [command.requestId] : [],
    );
  }

  /** Outcomes by request. */
  outcomes(): Record<string, string> {
    return Object.fromEntries(
      this.commands.flatMap((command) =>
        command.type === "record-stage" ? [[command.requestId, command.outcome]] : [],
      ),
    );
  }
}
