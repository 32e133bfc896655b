import type { Command, StageRecord } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import type { Outcome } from "../core/types.ts";
import type { Logger } from "../observe/logs.ts";
import type { StepObserver } from "./driver.ts";

/** Outcomes that an operator should hear of; a busy gateway's others are told at debug level only. */
const TOLD: ReadonlySet<Outcome> = new Set<Outcome>(["engine-failed", "no-engine"]);

/** Writes what an operator wants to know of each step: engines that come and go, requests that failed. */
export function stepLog(logger: Logger): StepObserver {
  return (event, commands) => {
    logEvent(logger, event);
    for (const command of commands) logCommand(logger, command);
  };
}

function logEvent(logger: Logger, event: Event): void {
  if (event.type !== "engine-changed") return;
  const { engine, state, spec, speed } = event;
  if (state !== undefined) logger.info({ engine, state }, "engine changed");
  if (spec !== undefined) logger.info({ engine, limits: spec }, "engine limits changed");
  if (speed !== undefined) logger.debug({ engine, speed }, "engine speed measured");
}

function logCommand(logger: Logger, command: Command): void {
  if (command.type !== "record-stage") return;
  const level = TOLD.has(command.outcome) ? "warn" : "debug";
  if (logger.isLevelEnabled(level)) logger[level](summaryOf(command), "request ended");
}

function summaryOf(record: StageRecord): object {
  const { requestId, workflowId, tenant, stage, outcome, engine, model, attempts } = record;
  const { promptTokens, outputTokens, arrivedMs, endedMs } = record;
  const tookMs = Math.round(endedMs - arrivedMs);
  return {
    requestId,
    workflowId,
    tenant,
    stage,
    outcome,
    engine,
    model,
    attempts,
    promptTokens,
    outputTokens,
    tookMs,
  };
}
