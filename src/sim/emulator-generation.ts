import type { IncomingMessage, ServerResponse } from "node:http";
import { brokenAnswer, refuse, streamAnswer, wholeAnswer } from "./emulator-answer.ts";
import type { EmulatedEngine, TokenSink } from "./emulator-engine.ts";
import type { Faults, FaultSetting } from "./emulator-faults.ts";
import type { EmulatorOptions } from "./emulator-options.ts";
import { lengthProblem, planGenerated, planPlayback, type AnswerPlan } from "./emulator-plan.ts";
import { recordedAnswer, type PlaybackLookup } from "./emulator-playback.ts";
import {
  badRequest,
  busy,
  internalError,
  notFound,
  unknownModel,
  type Refusal,
} from "./emulator-refusal.ts";
import { readGeneration, type Endpoint, type Generation } from "./emulator-request.ts";
import { chatShape, completionShape, type AnswerShape } from "./emulator-shape.ts";

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What answers need of the engine that gives them. */
export interface GenerationContext {
  readonly options: EmulatorOptions;
  readonly engine: EmulatedEngine;
  readonly faults: Faults;
  /** An id for an answer whose request brings none. */
  readonly nextId: () => string;
}

interface PlannedAnswer {
  readonly generation: Generation;
  readonly plan: AnswerPlan;
  /** How it will fail; null when it goes well. */
  readonly fault: FaultSetting | null;
}

/** Answers one request for text: refuses it, or brings it into the engine. */
export function generate(
  context: GenerationContext,
  endpoint: Endpoint,
  body: string,
  exchange: Exchange,
): void {
  const { response } = exchange;
  const read = readGeneration(endpoint, body);
  if (!read.ok) return refuse(response, read.refusal);
  const { generation } = read;
  const planned = planAnswer(context.options, generation, exchange.request);
  if (!planned.ok) return refuse(response, planned.refusal);
  const fault = context.faults.draw();
  const answer = { generation, plan: planned.plan, fault };
  if (fault?.kind === "error500") return refuse(response, internalError);
  if (fault?.kind === "full503") return refuse(response, busy);
  if (fault?.kind !== "slowHeaders") return start(context, answer, exchange);
  const delay = context.engine.after(fault.delayMs, () => start(context, answer, exchange));
  response.on("close", () => delay.cancel());
}

type Planned =
  | { readonly ok: true; readonly plan: AnswerPlan }
  | { readonly ok: false; readonly refusal: Refusal };

function planAnswer(
  options: EmulatorOptions,
  generation: Generation,
  request: IncomingMessage,
): Planned {
  const { model, maxModelLen, playback } = options;
  const asked = generation.model ?? model;
  if (asked !== model) return { ok: false, refusal: unknownModel(asked, model) };
  if (playback !== undefined) return planRecorded(playback, request);
  const refusal = lengthProblem(generation, maxModelLen);
  if (refusal !== null) return { ok: false, refusal };
  return { ok: true, plan: planGenerated(generation, options) };
}

function planRecorded(playback: PlaybackLookup, request: IncomingMessage): Planned {
  const task = headerOf(request, "x-chimera-playback-task") ?? "";
  const stage = headerOf(request, "x-chimera-playback-stage") ?? "0";
  if (!/^\d{1,9}$/.test(stage)) {
    const message = "x-chimera-playback-stage must be a whole number.";
    return { ok: false, refusal: badRequest(message, null) };
  }
  const answer = recordedAnswer(playback, task, Number(stage));
  if (answer !== null) return { ok: true, plan: planPlayback(answer) };
  return { ok: false, refusal: notFound(`There is no record of the task \`${task}\`.`, null) };
}

function start(context: GenerationContext, answer: PlannedAnswer, exchange: Exchange): void {
  const { engine, options } = context;
  const { generation, plan } = answer;
  const { request, response } = exchange;
  if (response.destroyed) return;
  if (!engine.admits()) return refuse(response, busy);
  const id = engine.submit({
    workflowId: headerOf(request, "x-chimera-workflow-id"),
    promptTokens: plan.promptTokens,
    outputTokens: plan.pieces.length,
    priority: options.order === "priority" ? generation.priority : 0,
    finishReason: plan.finishReason,
    sink: sinkOf(context, answer, exchange),
  });
  // After an answer that is complete there is nothing left to cancel.
  response.on("close", () => engine.cancel(id));
}

function sinkOf(
  context: GenerationContext,
  { generation, plan, fault }: PlannedAnswer,
  { request, response }: Exchange,
): TokenSink {
  const shape = shapeOf(context, generation, headerOf(request, "x-request-id"));
  const sink = generation.stream
    ? streamAnswer(response, plan, shape, generation.includeUsage)
    : wholeAnswer(response, plan, shape);
  const breaks = fault !== null && fault.kind !== "slowHeaders";
  return breaks ? brokenAnswer(response, sink, fault, plan.pieces.length) : sink;
}

function shapeOf(
  { options, nextId }: GenerationContext,
  { endpoint }: Generation,
  requestId: string | null,
): AnswerShape {
  const chat = endpoint === "chat";
  const id = `${chat ? "chatcmpl" : "cmpl"}-${requestId ?? nextId()}`;
  const head = { id, created: Math.floor(Date.now() / 1000), model: options.model };
  return chat ? chatShape(head) : completionShape(head);
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value : null;
}
