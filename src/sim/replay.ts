import type { Clock } from "../engine/clock.ts";
import { ReplayClient, type ReplayCounters } from "./replay-client.ts";
import { replayClock, Timeline, TIMER_MS_MAX } from "./replay-timeline.ts";
import { ReplayedWorkflow, type PlayedStage } from "./replay-workflow.ts";
import type { WorkflowOutcome } from "./report.ts";
import type { PlayableWorkflow } from "./workload.ts";

export interface ReplayOptions {
  /** Base of any OpenAI-compatible API, such as `http://127.0.0.1:8080/v1`. */
  readonly baseUrl: string;
  readonly workflows: readonly PlayableWorkflow[];
  /** Ms of the workload's time in one real ms, above 0. */
  readonly speedup: number;
  /** Real ms after which all that is open ends as failed, at most 2^31 - 1. */
  readonly deadlineMs: number;
  /** The model that stages ask for; `chimera` unless given. */
  readonly model?: string;
  readonly apiKey?: string | null;
  /** Tries of one stage, the first included; 3 unless given. */
  readonly attemptsMax?: number;
  /** Called when a workflow starts and when one ends. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Called when a stage was answered, or finally was not. */
  readonly onStage?: (stage: PlayedStage) => void;
  readonly clock?: Clock;
}

/** Workflows so far. */
export interface ReplayProgress {
  readonly started: number;
  /** Those that the deadline kept from starting included. */
  readonly ended: number;
  readonly open: number;
}

export interface ReplayResult {
  /** One for each workflow, in their order. */
  readonly outcomes: readonly WorkflowOutcome[];
  readonly counters: ReplayCounters;
}

/**
 * Plays workflows through a server over HTTP, open loop: each starts at its arrival time whatever the
 * server does, and sends its next stage when the former one has ended and its tools have run. A stage
 * that failed is tried again as the official clients do. Every workflow ends once; failures of the
 * server are outcomes. Throws RangeError for options out of bounds.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  checkOptions(options);
  const { baseUrl, speedup, deadlineMs, attemptsMax = 3, clock = replayClock } = options;
  const timeline = new Timeline({ clock, speedup, deadlineMs });
  const { model = "chimera", apiKey = null } = options;
  const client = new ReplayClient({ baseUrl, model, apiKey, clock, over: timeline.over });
  const progress = { started: 0, ended: 0, open: 0 };
  const run = {
    client,
    timeline,
    attemptsMax,
    onStage: options.onStage ?? ((): void => undefined),
    onStart: (): void => {
      progress.started++;
      progress.open++;
      options.onProgress?.({ ...progress });
    },
  };
  const play = async (workflow: PlayableWorkflow): Promise<WorkflowOutcome> => {
    const outcome = await new ReplayedWorkflow(workflow, run).play();
    progress.ended++;
    // One without a request had never started.
    if (outcome.requests > 0) progress.open--;
    options.onProgress?.({ ...progress });
    return outcome;
  };
  try {
    const outcomes = await Promise.all(options.workflows.map(play));
    return { outcomes, counters: client.counters };
  } finally {
    timeline.close();
    await client.destroy();
  }
}

function checkOptions({ baseUrl, speedup, deadlineMs, attemptsMax = 1 }: ReplayOptions): void {
  if (!URL.canParse(baseUrl)) throw new RangeError(`${baseUrl} is no URL`);
  if (!(speedup > 0)) throw new RangeError("speedup must be above 0");
  if (!(deadlineMs > 0 && deadlineMs <= TIMER_MS_MAX)) {
    throw new RangeError(`deadlineMs must be above 0 and at most ${TIMER_MS_MAX}`);
  }
  if (!(attemptsMax >= 1)) throw new RangeError("attemptsMax must be 1 at least");
}
