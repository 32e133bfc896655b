import type { EngineFailureKind } from "./exchange.ts";

/** live: well. suspect: something failed, it goes on serving. dead: takes nothing until it answers again. */
export type EngineCondition = "live" | "suspect" | "dead";

/** What one look at an engine's health gave. */
export type ProbeResult =
  | "good"
  /** Nobody listens. */
  | "refused"
  /** It answered that it is not well. */
  | "sick"
  /** No answer in time: a busy llama.cpp does that too. */
  | "missed";

const REFUSALS_TO_DIE = 2;
const FAILED_REQUESTS_TO_DIE = 3;
const SICK_ANSWERS_TO_DIE = 3;
/** Probes missed in a row that confirm the suspicion which a failed request has raised. */
const MISSED_TO_CONFIRM = 2;
const QUARANTINE_MS = 500;
const QUARANTINE_MS_MAX = 30_000;

/**
 * The rule for an engine's condition, from probes and from what became of requests. It dies when it
 * refuses two connections in a row, when three requests in a row failed, when it says three times in a
 * row that it is sick, or when a failed request is followed by two missed probes. A missed probe alone
 * never kills. It lives again on the first good probe; where it died by requests although its probes
 * were good, only after a quarantine that doubles each time.
 */
export class ConditionRule {
  /** Not known to live until the first good probe. */
  condition: EngineCondition = "dead";
  private refusals = 0;
  private failedRequests = 0;
  private sickAnswers = 0;
  private missedProbes = 0;
  private quarantines = 0;
  private quarantineEndMs = 0;

  /** True while another look should not wait for its turn. */
  get isUrgent(): boolean {
    const confirms = this.failedRequests > 0 && this.missedProbes > 0;
    return this.condition === "dead" || this.refusals > 0 || confirms;
  }

  probed(result: ProbeResult, nowMs: number): void {
    if (result === "good") return this.probedGood(nowMs);
    if (result === "refused") this.refused();
    else if (result === "sick") this.sickAnswers++;
    else this.missedProbes++;
    this.judge(nowMs);
  }

  requestFailed(kind: EngineFailureKind, nowMs: number): void {
    if (kind === "aborted" || kind === "total-timeout") return;
    if (kind === "connect") this.refused();
    else this.failedRequests++;
    this.judge(nowMs);
  }

  requestSucceeded(nowMs: number): void {
    this.quarantines = 0;
    if (this.condition === "dead") return;
    this.clear();
    this.judge(nowMs);
  }

  private refused(): void {
    this.refusals++;
    // A process that is gone and comes back is a new one.
    this.quarantineEndMs = 0;
  }

  private probedGood(nowMs: number): void {
    if (this.condition === "dead") {
      if (nowMs < this.quarantineEndMs) return;
      this.clear();
    }
    this.refusals = 0;
    this.sickAnswers = 0;
    this.missedProbes = 0;
    this.condition = this.failedRequests > 0 ? "suspect" : "live";
  }

  private clear(): void {
    this.refusals = 0;
    this.failedRequests = 0;
    this.sickAnswers = 0;
    this.missedProbes = 0;
  }

  private judge(nowMs: number): void {
    if (this.condition === "dead") return;
    const byRequests = this.failedRequests >= FAILED_REQUESTS_TO_DIE;
    const isDead =
      byRequests ||
      this.refusals >= REFUSALS_TO_DIE ||
      this.sickAnswers >= SICK_ANSWERS_TO_DIE ||
      (this.failedRequests > 0 && this.missedProbes >= MISSED_TO_CONFIRM);
    if (isDead) this.condition = "dead";
    else {
      const doubts = this.refusals + this.failedRequests + this.sickAnswers + this.missedProbes;
      this.condition = doubts > 0 ? "suspect" : "live";
    }
    if (isDead && byRequests) {
      const lengthMs = Math.min(QUARANTINE_MS_MAX, QUARANTINE_MS * 2 ** this.quarantines);
      this.quarantineEndMs = nowMs + lengthMs;
      this.quarantines++;
    }
  }
}
