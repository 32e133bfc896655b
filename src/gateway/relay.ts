import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { InvariantBroken } from "../core/assert.ts";
import type { Config } from "../config/config.ts";
import type { Clock } from "../engine/clock.ts";
import type { Logger } from "../observe/logs.ts";
import { operationOf, type TelemetryPort } from "../observe/telemetry-port.ts";
import type { Estimator, StageFacts } from "../predict/port.ts";
import { clientWorkflowId, identify, type Identity } from "../workflow/identity.ts";
import type { Sessions } from "../workflow/sessions.ts";
import { workflowFacts } from "../workflow/stage-facts.ts";
import { sendError } from "./answer.ts";
import { arrivalOf, expectedTokens, type Understood } from "./arrival.ts";
import { bodyExcess } from "./body-limits.ts";
import { classFor } from "./class-ceiling.ts";
import { headerText } from "./decision-headers.ts";
import type { DecisionRing, RequestTrace } from "./decision-ring.ts";
import type { Driver } from "./driver.ts";
import { engineRequest } from "./engine-request.ts";
import type { Engines } from "./engines.ts";
import { type GatewayError, gatewayError, quoted } from "./errors.ts";
import { idHeadersOf } from "./error-format.ts";
import { type Door, enter, type Entrance } from "./entrance.ts";
import { type ModelCatalogue, mayAskFor } from "./models.ts";
import { type HeaderList, headerList } from "./header-list.ts";
import { RelayedRequest } from "./relayed-request.ts";
import type { WorkflowRecorder } from "./recorder.ts";
import { readBody } from "./request-reader.ts";
import type { AnswerContext, Surface } from "./surface.ts";

export interface RelayOptions extends Door {
  /** The config that is in force; it changes between two requests. */
  readonly inForce: { readonly config: Config };
  readonly clock: Clock;
  readonly driver: Driver;
  readonly models: ModelCatalogue;
  readonly sessions: Sessions;
  readonly estimator: Estimator;
  /** Whether a predictor is there to be asked. */
  readonly predicts: boolean;
  readonly engines: Engines;
  readonly ring: DecisionRing;
  readonly recorder: WorkflowRecorder;
  /** null: nothing is traced. */
  readonly telemetry: Pick<TelemetryPort, "arrived"> | null;
  readonly logger: Logger;
}

/** Longest wait for a client that has stopped reading. */
const CLIENT_STALL_MS = 60_000;

/** The client must not go on with a body that nobody reads. */
const CLOSES: HeaderList = ["connection", "close"];

type Admitted = Entrance & { readonly ok: true };

interface Received {
  readonly request: IncomingMessage;
  readonly bytes: Buffer;
  readonly entrance: Admitted;
}

type Understanding =
  | ({ readonly ok: true } & Understood)
  | { readonly ok: false; readonly error: GatewayError };

/** The hot path: from a client's request to the core, and the answer's way back. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #open = new Set<RelayedRequest>();
  readonly #waitsForEmpty: (() => void)[] = [];
  #draining = false;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Resolves when no client waits for a part of its answer any more. */
  whenEmpty(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waitsForEmpty.push(resolve));
  }

  /** From now on new requests are refused. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends everything that is open, with an error that says why. */
  shutDown(): void {
    this.drain();
    for (const relayed of this.#open) relayed.shutDown();
  }

  /** An engine died: what it was serving is let go before the core places it anew. */
  engineLost(name: string): void {
    for (const relayed of this.#open) relayed.engineLost(name);
  }

  /** Rejects only on a broken invariant, which must not be survived. */
  async handle(
    surface: Surface,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      await this.#handle(surface, request, response);
    } catch (error) {
      if (error instanceof InvariantBroken) throw error;
      this.#options.logger.error({ err: error }, "request failed in the gateway");
      if (response.headersSent) response.destroy();
      else this.#refuse(response, surface, gatewayError("internal_error"));
    }
  }

  async #handle(
    surface: Surface,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    // A write that meets a connection which broke in the same moment; `close` tells the rest.
    response.on("error", () => {});
    const entrance = enter(this.#options, request.headers);
    if (!entrance.ok) {
      const { error, headers } = entrance;
      return this.#refuse(response, surface, error, [...headerList(headers), ...CLOSES]);
    }
    response.once("close", () => entrance.entry.leave());
    const read = await readBody(request, this.#options.inForce.config.limits.bodyBytesMax);
    if (read.status === "gone") return;
    if (read.status === "refused") {
      return this.#refuse(response, surface, read.error, CLOSES);
    }
    if (this.#draining) {
      return this.#refuse(response, surface, gatewayError("shutting_down"), CLOSES);
    }
    const { clock, metrics } = this.#options;
    const beganMs = clock.nowMs();
    const understood = this.#understand(surface, { request, bytes: read.bytes, entrance });
    if (!understood.ok) {
      return this.#refuse(
        response,
        surface,
        understood.error,
        headerList(entrance.entry.headers()),
      );
    }
    // Nobody would be told that a response which is closed already is closed.
    if (!response.destroyed) this.#admit(understood, request, response);
    metrics.observeOverheadMs(clock.nowMs() - beganMs);
  }

  #refuse(
    response: ServerResponse,
    { errors }: Surface,
    error: GatewayError,
    more: HeaderList = [],
  ): void {
    const headers = [...more, ...headerList(idHeadersOf(errors, randomUUID()))];
    sendError(response, error, { headers, format: errors });
  }

  #understand(surface: Surface, { request, bytes, entrance }: Received): Understanding {
    const parsed = surface.parse(bytes);
    if (!parsed.ok) return parsed;
    const { inbound } = parsed;
    const excess = bodyExcess(inbound.body, this.#options.inForce.config.limits);
    if (excess !== null) return { ok: false, error: excess };
    const { caller, entry } = entrance;
    const pool = this.#options.models.find(inbound.model);
    if (pool === undefined || !mayAskFor(caller.key, pool.name)) {
      const detail = `Asked for ${quoted(inbound.model)}.`;
      return { ok: false, error: gatewayError("model_not_found", { detail, param: "model" }) };
    }
    const planned = surface.plan(inbound, pool);
    if (!planned.ok) return planned;
    const { prompt } = inbound;
    const { headers } = request;
    const identity = identify({ headers, body: inbound.body, prompt, keyScope: caller.scope });
    if ("problem" in identity) {
      const detail = `${identity.problem}.`;
      return { ok: false, error: gatewayError("invalid_request", { detail }) };
    }
    const { plan } = planned;
    return { ok: true, surface, inbound, plan, pool, identity, caller, entry };
  }

  #admit(understood: Understood, request: IncomingMessage, response: ServerResponse): void {
    const { driver, estimator, predicts, recorder, ring } = this.#options;
    const { config } = this.#options.inForce;
    const { surface, inbound, plan, pool, identity, caller, entry } = understood;
    const facts = this.#factsOf(understood);
    const ceiling = classFor(identity.class, caller.key);
    const estimates = estimator.estimate(facts, pool.candidates);
    entry.expectTokens(expectedTokens(facts, estimates));
    const requestId = this.#requestIdFor(identity);
    const shownWorkflowId = clientWorkflowId(facts.workflowId);
    const earlyHeaders = ["x-chimera-workflow-id", headerText(shownWorkflowId)];
    for (const name of surface.errors.idHeaders) earlyHeaders.push(name, requestId);
    earlyHeaders.push(...headerList(ceiling.headers), ...headerList(entry.headers()));
    const trace: RequestTrace = {
      requestId,
      workflowId: facts.workflowId,
      shownWorkflowId,
      scope: caller.scope,
      decision: null,
      dispatchedMs: null,
      record: null,
    };
    ring.add(trace);
    recorder.arrived(facts);
    const headers = this.#tracedHeaders(requestId, facts, understood, request);
    const relayed = new RelayedRequest({
      requestId,
      driver,
      facts,
      streams: inbound.streams,
      format: plan.format,
      choices: inbound.choices,
      eventBytesMax: config.limits.eventBytesMax,
      trace,
      earlyHeaders,
      answer: plan.answer(response, this.#contextOf(requestId, earlyHeaders)),
      used: (tokens) => entry.usedTokens(tokens),
      linkOf: (name) => this.#options.engines.link(name),
      requestFor: (endpoint, dispatch) => engineRequest(plan, headers, endpoint, dispatch),
    });
    this.#open.add(relayed);
    response.once("close", () => this.#closed(relayed));
    const { class: allowed } = ceiling;
    const arrival = { requestId, facts, estimates, predicts, class: allowed };
    driver.admit(arrivalOf(understood, arrival, config.limits), relayed);
    if (identity.final) {
      driver.apply({ type: "workflow-ended", workflowId: facts.workflowId, score: null });
    }
  }

  /** The client's headers; where requests are traced, with the place of this one. */
  #tracedHeaders(
    requestId: string,
    facts: StageFacts,
    { pool, plan }: Understood,
    { headers }: IncomingMessage,
  ): IncomingMessage["headers"] {
    const { telemetry, clock } = this.#options;
    if (telemetry === null) return headers;
    const { traceparent, tracestate } = headers;
    const place = telemetry.arrived({
      requestId,
      workflowId: facts.workflowId,
      shownWorkflowId: clientWorkflowId(facts.workflowId),
      kind: facts.kind,
      operation: operationOf(plan.path),
      model: pool.name,
      traceparent: typeof traceparent === "string" ? traceparent : undefined,
      tracestate: typeof tracestate === "string" ? tracestate : undefined,
      arrivedMs: clock.nowMs(),
    });
    return { ...headers, ...place };
  }

  #closed(relayed: RelayedRequest): void {
    relayed.closed();
    this.#open.delete(relayed);
    if (this.#open.size > 0) return;
    for (const resolve of this.#waitsForEmpty.splice(0)) resolve();
  }

  #factsOf({ surface, inbound, pool, identity }: Understood): StageFacts {
    const { sessions, clock, predicts, inForce } = this.#options;
    const { config } = inForce;
    const { prompt } = inbound;
    const arrival = sessions.arrive(identity, prompt, clock.nowMs());
    const facts = workflowFacts(
      { identity, arrival, prompt, body: inbound.body, pool: pool.name },
      predicts || config.store.prompts ? config.limits.textCharactersMax : 0,
    );
    const { outputTokens } = surface;
    if (outputTokens === null) return facts;
    return { ...facts, outputTokensMax: outputTokens, expectedOutputTokens: outputTokens };
  }

  /** The client's own id, unless another unfinished request has it. */
  #requestIdFor(identity: Identity): string {
    const { requestId } = identity;
    return requestId === null || this.#options.driver.isOpen(requestId) ? randomUUID() : requestId;
  }

  #contextOf(requestId: string, earlyHeaders: HeaderList): AnswerContext {
    const { clock, inForce } = this.#options;
    const { statusHoldMs, pingAfterMs } = inForce.config.limits;
    const limits = { statusHoldMs, pingAfterMs, clientStallMs: CLIENT_STALL_MS };
    return { requestId, earlyHeaders, clock, limits };
  }
}
