import { equal, holds } from "./claim.ts";
import type { Command, Dispatch } from "../../src/core/command.ts";
import type { Event } from "../../src/core/event.ts";
import type { Outcome } from "../../src/core/types.ts";

const OUTCOMES: readonly Outcome[] = [
  "completed",
  "refused",
  "engine-failed",
  "client-gone",
  "queue-timeout",
  "queue-full",
  "shed",
  "deadline",
  "no-engine",
];

export interface Outstanding {
  readonly requestId: string;
  readonly workflowId: string;
  phase: "predicting" | "waiting" | "running";
  engine: string | null;
  attempt: number;
}

/**
 * What a driver believes, built from events and commands alone. It knows nothing of the core's books,
 * and checks what can be seen from outside: invariants 1, 5, 6 and 9.
 */
export class Outside {
  readonly open: Map<string, Outstanding> = new Map();
  readonly outcomes: Map<string, Outcome> = new Map();
  readonly liveEngines: Set<string> = new Set();
  workflowsRecorded = 0;
  arrived = 0;

  /** The request whose arrival is being handled: its workflow may end (idle) just before it comes back. */
  #arriving: string | null = null;

  before(event: Event): void {
    this.#arriving = event.type === "request-arrived" ? event.requestId : null;
    if (event.type === "request-arrived") {
      this.arrived++;
      const { requestId, workflowId } = event;
      this.open.set(requestId, {
        requestId,
        workflowId,
        phase: "waiting",
        engine: null,
        attempt: 0,
      });
    }
    if (event.type === "engine-changed") {
      if (event.state !== undefined && event.state !== "live")
        this.liveEngines.delete(event.engine);
      else if (event.state === "live" || event.spec !== undefined)
        this.liveEngines.add(event.engine);
    }
  }

  after(commands: readonly Command[]): void {
    for (const command of commands) this.#see(command);
  }

  #see(command: Command): void {
    switch (command.type) {
      case "predict":
        return this.#require(command.requestId, (each) => (each.phase = "predicting"));
      case "dispatch":
        return this.#dispatched(command);
      case "abort":
      case "reject":
        return this.#require(command.requestId, () => undefined);
      case "record-stage":
        holds(OUTCOMES.includes(command.outcome), "outcomes are a closed list");
        equal(this.outcomes.has(command.requestId), false, "a request ends once");
        equal(this.open.delete(command.requestId), true, "books");
        this.outcomes.set(command.requestId, command.outcome);
        return undefined;
      case "record-workflow":
        this.workflowsRecorded++;
        for (const each of this.open.values()) {
          if (each.requestId === this.#arriving) continue;
          holds(each.workflowId !== command.workflowId, "a workflow ends after its requests");
        }
        return undefined;
    }
  }

  #require(requestId: string, then: (each: Outstanding) => unknown): void {
    const found = this.open.get(requestId);
    holds(found !== undefined, `a command is about an open request: ${requestId}`);
    if (found !== undefined) then(found);
  }

  #dispatched(command: Dispatch): void {
    this.#require(command.requestId, (each) => {
      equal(command.attempt, each.attempt + 1, "books");
      each.phase = "running";
      each.attempt = command.attempt;
      each.engine = command.engine;
    });
    const { decision } = command;
    equal(this.liveEngines.has(command.engine), true, "dispatched to a live engine");
    equal(decision.engine, command.engine, "books");
    holds(decision.rule.length > 0, "a decision names its rule");
    holds(
      decision.candidates.some((each) => each.engine === command.engine),
      "a decision names its candidates",
    );
    for (const each of decision.candidates) {
      for (const number of [each.confidence, each.remainingTokens, each.waitMs, each.ownMs])
        equal(Number.isFinite(number), true, "books");
    }
  }
}
