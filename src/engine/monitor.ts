import type { EngineClient, EngineReply } from "./client.ts";
import { type Clock, systemClock, type Timer } from "./clock.ts";
import { ConditionRule, type EngineCondition, type ProbeResult } from "./condition.ts";
import { engineTraits } from "./endpoint.ts";
import type { EngineFailureKind } from "./exchange.ts";
import { discoverLimits, type EngineLimits } from "./limits.ts";
import { type EngineLoad, readLoad } from "./metrics-reader.ts";

export interface MonitorListener {
  /** Only when it changed. An engine is dead until its first good probe. */
  conditionChanged(condition: EngineCondition): void;
  /** After each poll that could read it. */
  loadRead(load: EngineLoad): void;
  /** Each time the engine comes to life, where it tells any. */
  limitsFound(limits: EngineLimits): void;
}

export interface MonitorOptions {
  readonly client: Pick<EngineClient, "endpoint" | "getText" | "getJson">;
  readonly listener: MonitorListener;
  /** Uniform in 0..1, so that the polls of many engines do not meet. */
  readonly random: () => number;
  readonly clock?: Clock;
}

/** llama.cpp notices a client that left only in a pause of 1 s between polls. */
const POLL_MS = 1_500;
const JITTER_MS = 500;
const URGENT_MS = 250;
/** A busy llama.cpp was seen to answer after 1.7 s. */
const PROBE_TIMEOUT_MS = 5_000;
const URGENT_TIMEOUT_MS = 1_000;
/** Answers without metrics after which they are not asked for until the engine comes to life again. */
const METRICS_REFUSALS_MAX = 3;

/**
 * Watches one engine: asks for health and load in turn, one question at a time, and hears from the
 * gateway what became of requests. `start` begins, `close` ends; both may be called twice.
 */
export class EngineMonitor {
  private client: MonitorOptions["client"];
  private readonly listener: MonitorListener;
  private readonly random: () => number;
  private readonly clock: Clock;
  private readonly rule = new ConditionRule();
  private told: EngineCondition = "dead";
  private timer: Timer | null = null;
  private state: "new" | "waiting" | "polling" | "closed" = "new";
  private metricsRefusals = 0;

  constructor(options: MonitorOptions) {
    this.client = options.client;
    this.listener = options.listener;
    this.random = options.random;
    this.clock = options.clock ?? systemClock;
  }

  get condition(): EngineCondition {
    return this.rule.condition;
  }

  start(): void {
    if (this.state === "new") this.schedule(0);
  }

  /** A request ended in a failure of the engine, not in an answer of whatever status. */
  requestFailed(kind: EngineFailureKind): void {
    this.rule.requestFailed(kind, this.clock.nowMs());
    this.tell();
    if (kind !== "aborted" && this.state === "waiting" && this.told !== "dead") this.schedule(0);
  }

  requestSucceeded(): void {
    this.rule.requestSucceeded(this.clock.nowMs());
    this.tell();
  }

  /** The same engine, asked by other means from the next question on. */
  useClient(client: MonitorOptions["client"]): void {
    this.client = client;
  }

  close(): void {
    this.state = "closed";
    this.timer?.cancel();
    this.timer = null;
  }

  private schedule(delayMs: number): void {
    this.timer?.cancel();
    this.state = "waiting";
    this.timer = this.clock.setTimer(() => void this.poll(), delayMs);
  }

  private async poll(): Promise<void> {
    this.state = "polling";
    const wasDead = this.told === "dead";
    await this.probe();
    if (!this.isClosed() && this.told !== "dead") {
      if (wasDead) await this.discover();
      await this.readMetrics();
    }
    if (this.isClosed()) return;
    this.schedule(this.rule.isUrgent ? URGENT_MS : POLL_MS + this.random() * JITTER_MS);
  }

  private async probe(): Promise<void> {
    const { healthPath } = engineTraits(this.client.endpoint.kind);
    const timeoutMs = this.rule.isUrgent ? URGENT_TIMEOUT_MS : PROBE_TIMEOUT_MS;
    const reply = await this.client.getText(healthPath, timeoutMs);
    if (this.isClosed()) return;
    this.rule.probed(probeResult(reply), this.clock.nowMs());
    this.tell();
  }

  private async discover(): Promise<void> {
    this.metricsRefusals = 0;
    const limits = await discoverLimits(this.client);
    if (this.isClosed()) return;
    if (Object.values(limits).some((limit) => limit !== null)) this.listener.limitsFound(limits);
  }

  private async readMetrics(): Promise<void> {
    const { kind } = this.client.endpoint;
    const { metricsPath } = engineTraits(kind);
    if (metricsPath === null || this.metricsRefusals >= METRICS_REFUSALS_MAX) return;
    const reply = await this.client.getText(metricsPath, PROBE_TIMEOUT_MS);
    if (this.isClosed() || reply.failure !== null) return;
    const load = reply.status === 200 ? readLoad(kind, reply.body) : null;
    if (load === null) this.metricsRefusals++;
    else this.listener.loadRead(load);
  }

  private tell(): void {
    const { condition } = this.rule;
    if (condition === this.told) return;
    this.told = condition;
    this.listener.conditionChanged(condition);
  }

  private isClosed(): boolean {
    return this.state === "closed";
  }
}

/** Whoever answers is alive; only a server's error says that it is not well. */
function probeResult(reply: EngineReply<string>): ProbeResult {
  if (reply.failure === null) return reply.status < 500 ? "good" : "sick";
  return reply.failure.kind === "connect" ? "refused" : "missed";
}
