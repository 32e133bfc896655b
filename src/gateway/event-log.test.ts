import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SchedulerOptions } from "../core/state.ts";
import { EventLog } from "./event-log.ts";
import { replayEventLog } from "./event-log-replay.ts";

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-log-"));
});

afterEach(() => rm(folder, { recursive: true }));

const options: SchedulerOptions = {
  policy: {
    choice: "auto",
    order: "smith-age",
    assign: "workflow",
    price: 0.2,
    slack: null,
    minGain: 0.1,
    ownWork: false,
    target: null,
    countsRunning: true,
    countsDelay: true,
    liveBatch: true,
    orderBy: "choice",
    starvationThreshold: 0,
    starvationQuantum: 1,
    ageScale: 10,
    lateChoiceRequestsMax: 48,
    stickinessBonus: null,
  },
  seed: 1,
  predictionBudgetMs: 20,
  attemptsMax: 2,
  queueRequestsMax: 10,
  workflowsMax: 100,
  workflowIdleMs: 1000,
  engines: [],
};

test("a log that the disk cannot keep up with ends with a mark, and what came before is whole", async () => {
  const path = join(folder, "events.jsonl");
  const log = new EventLog(path, options, 100);
  for (let timeMs = 0; timeMs < 10; timeMs++) log.write({ type: "time-passed", timeMs }, []);
  expect(log.cut).toBe(true);
  await log.close();
  await log.close();
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
  expect(lines.at(-1)).toBe(`{"cut":true}`);
  expect(await replayEventLog(path)).toEqual({ steps: 0, cut: true, difference: null });
});

test("a log that cannot be written is cut, and nobody is disturbed", async () => {
  const log = new EventLog(join(folder, "missing", "events.jsonl"), options);
  await log.close();
  expect(log.cut).toBe(true);
});

test("a replay names the first step that came out otherwise", async () => {
  const path = join(folder, "events.jsonl");
  const log = new EventLog(path, options);
  log.write({ type: "time-passed", timeMs: 1 }, []);
  const reject = {
    type: "reject",
    requestId: "r",
    outcome: "no-engine",
    retryAfterMs: null,
  } as const;
  log.write({ type: "time-passed", timeMs: 2 }, [reject]);
  await log.close();
  const replay = await replayEventLog(path);
  expect(replay.steps).toBe(1);
  expect(replay.difference).toMatchObject({ step: 1, replayed: [] });
});
