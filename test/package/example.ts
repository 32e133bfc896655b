import { AUTO, createScheduler, step, type Command, type EngineSpec } from "chimera";

/** One engine, one request: what the scheduler says, event by event. */
export function scheduleOne(): readonly Command[] {
  const engine: EngineSpec = {
    name: "small",
    model: "small",
    maxSequences: 8,
    kvTokens: 100_000,
    overCommit: 0,
    queuePlace: "gateway",
    speed: { baseMs: 12, perSequenceMs: 0.4, perKvTokenMs: 0, perPromptTokenMs: 0.02 },
    profileMsPerToken: 15,
    profileBatch: 8,
  };
  const scheduler = createScheduler({
    policy: AUTO,
    seed: 1,
    predictionBudgetMs: 0,
    attemptsMax: 1,
    queueRequestsMax: 100,
    workflowsMax: 100,
    workflowIdleMs: 60_000,
    engines: [engine],
  });
  return step(scheduler, {
    type: "request-arrived",
    timeMs: 0,
    requestId: "r-1",
    workflowId: "w-1",
    stage: 0,
    pool: "chimera",
    class: "default",
    promptTokens: 100,
    outputTokensMax: null,
    knobs: null,
    queueWaitMsMax: 10_000,
    predict: false,
    streams: true,
    estimates: [
      {
        model: "small",
        confidence: 0.5,
        remainingMean: 200,
        remainingMedian: 150,
        stageTokens: 80,
        source: "prior",
      },
    ],
  });
}

const [command] = scheduleOne();
if (command?.type !== "dispatch") throw new Error("an engine with room is sent the request");
process.stdout.write(`${command.decision.engine} by ${command.decision.rule}\n`);
