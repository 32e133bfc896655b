import { z } from "zod";
import type { WorkflowMemory } from "../core/event.ts";
import type { Clock, Timer } from "../engine/clock.ts";
import type { Logger } from "../observe/logs.ts";
import type { Learner } from "../predict/port.ts";
import { readSnapshotFile, writeSnapshotFile } from "../store/snapshot-file.ts";
import type { SessionMemory, Sessions } from "../workflow/sessions.ts";
import type { Driver } from "./driver.ts";
import type { WorkflowRecorder } from "./recorder.ts";

export interface StateKeeperOptions {
  readonly path: string;
  readonly intervalMs: number;
  /** A workflow that was idle for longer is over. */
  readonly workflowIdleMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly driver: Driver;
  readonly sessions: Sessions;
  readonly recorder: WorkflowRecorder;
  readonly learner: Learner | null;
}

/** Workflows in one snapshot, the newest ones: some MiB of JSON. */
const WORKFLOWS_MAX = 10_000;

interface Snapshot {
  readonly version: 1;
  /** Unix time of the clock's zero, ms: times of another process are moved by the difference. */
  readonly clockZeroMs: number;
  readonly workflows: readonly (WorkflowMemory & { readonly kind: string })[];
  readonly sessions: readonly SessionMemory[];
  readonly learner: unknown;
}

/**
 * Keeps what should outlive the process in a file: which engine serves which workflow, where each
 * workflow stands, and what the estimator has learned. Neither prompts nor answers are in it.
 */
export class StateKeeper {
  readonly #options: StateKeeperOptions;
  #timer: Timer | null = null;
  #saving: Promise<void> = Promise.resolve();
  #isStarted = false;

  constructor(options: StateKeeperOptions) {
    this.#options = options;
  }

  /** Takes up what an earlier process left; answers how many workflows go on. A file that is of no use is reported. */
  async restore(): Promise<number> {
    const { path, logger } = this.#options;
    const read = await readSnapshotFile(path);
    if (read.status === "absent") return 0;
    const parsed = read.status === "read" ? schema.safeParse(read.json) : null;
    if (parsed?.data === undefined) {
      const reason = read.status === "refused" ? read.message : "is not of this version";
      logger.warn({ path, reason }, "snapshot refused, the gateway starts afresh");
      return 0;
    }
    return this.#takeUp(parsed.data);
  }

  /** From now on it is saved, every so often and at the end. */
  start(): void {
    this.#isStarted = true;
    this.#schedule();
  }

  /** Saves a last time. Idempotent. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    if (this.#isStarted) void this.#save();
    this.#isStarted = false;
    await this.#saving;
  }

  #schedule(): void {
    const { clock, intervalMs } = this.#options;
    this.#timer = clock.setTimer(() => {
      void this.#save();
      this.#schedule();
    }, intervalMs);
  }

  #save(): Promise<void> {
    const { path, logger } = this.#options;
    const snapshot = this.#snapshot();
    this.#saving = this.#saving
      .then(() => writeSnapshotFile(path, snapshot))
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        logger.error({ path, reason }, "snapshot cannot be written");
      });
    return this.#saving;
  }

  #snapshot(): Snapshot {
    const { clock, driver, sessions, recorder, learner } = this.#options;
    const workflows = driver.memories(WORKFLOWS_MAX).map((memory) => {
      return { ...memory, kind: recorder.kindOf(memory.workflowId) ?? "unknown" };
    });
    return {
      version: 1,
      clockZeroMs: Date.now() - clock.nowMs(),
      workflows,
      sessions: sessions.memories(WORKFLOWS_MAX),
      learner: learner?.snapshot() ?? null,
    };
  }

  #takeUp(snapshot: Snapshot): number {
    const { clock, driver, sessions, recorder, learner, logger, workflowIdleMs } = this.#options;
    const nowMs = clock.nowMs();
    const shiftMs = snapshot.clockZeroMs - (Date.now() - nowMs);
    const here = (timeMs: number): number => Math.min(timeMs + shiftMs, nowMs);
    let restored = 0;
    for (const { kind, ...memory } of snapshot.workflows) {
      const lastSeenMs = here(memory.lastSeenMs);
      if (nowMs - lastSeenMs > workflowIdleMs) continue;
      const arrivedMs = here(memory.arrivedMs);
      recorder.restore(memory.workflowId, kind);
      driver.apply({ ...memory, type: "workflow-restored", arrivedMs, lastSeenMs });
      restored++;
    }
    for (const session of snapshot.sessions) {
      sessions.restore({ ...session, touchedMs: here(session.touchedMs) });
    }
    const learned = snapshot.learner !== null && learner?.restore(snapshot.learner) === true;
    logger.info({ workflows: restored, learned }, "state restored");
    return restored;
  }
}

const count = z.int().nonnegative();
const memory = z.object({
  workflowId: z.string(),
  kind: z.string(),
  arrivedMs: z.number(),
  lastSeenMs: z.number(),
  stages: count,
  completedStages: count,
  producedTokens: z.number().nonnegative(),
  models: z.array(z.string()),
  homes: z.array(z.object({ pool: z.string(), engine: z.string(), started: z.boolean() })),
  context: z.object({ engine: z.string(), tokens: z.number().nonnegative() }).nullable(),
});
const session: z.ZodType<SessionMemory> = z.object({
  workflowId: z.string(),
  touchedMs: z.number(),
  nextStage: count,
  producedTokens: z.array(z.number().nonnegative()),
  conversation: z
    .object({
      scope: z.string(),
      anchor: z.number().nullable(),
      digest: z.number(),
      segments: count,
      tail: z.string(),
      outputTokens: z.number().nullable(),
      failed: z.boolean(),
    })
    .nullable(),
});
const schema: z.ZodType<Snapshot> = z.object({
  version: z.literal(1),
  clockZeroMs: z.number(),
  workflows: z.array(memory).max(WORKFLOWS_MAX),
  sessions: z.array(session).max(WORKFLOWS_MAX),
  learner: z.unknown(),
});
