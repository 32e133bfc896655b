import type { Abort, Dispatch, Reject, StageRecord } from "../core/command.ts";
import type { AnswerFormat } from "../engine/answer-reader.ts";
import type { EngineRequest } from "../engine/client.ts";
import type { EngineEndpoint } from "../engine/endpoint.ts";
import type { StageFacts } from "../predict/port.ts";
import type { Answer } from "./answer.ts";
import { Attempt, type AttemptOwner, type AttemptResult } from "./attempt.ts";
import { decisionHeaders } from "./decision-headers.ts";
import type { RequestTrace } from "./decision-ring.ts";
import type { Driver, RequestHandler } from "./driver.ts";
import type { EngineLink } from "./engine-link.ts";
import type { HeaderList } from "./header-list.ts";
import { type ErrorCode, errorOfOutcome, type GatewayError, gatewayError } from "./errors.ts";

export interface RelayedRequestOptions {
  readonly requestId: string;
  readonly driver: Driver;
  readonly facts: StageFacts;
  readonly streams: boolean;
  readonly format: AnswerFormat;
  readonly choices: number;
  readonly eventBytesMax: number;
  readonly trace: RequestTrace;
  /** Known before any engine is. */
  readonly earlyHeaders: HeaderList;
  readonly answer: Answer;
  /** Told once, at the end, of the tokens that count against its key's limit. */
  readonly used: (tokens: number) => void;
  readonly linkOf: (name: string) => EngineLink;
  readonly requestFor: (endpoint: EngineEndpoint, dispatch: Dispatch) => EngineRequest;
}

/** Output tokens between two reports to the core. */
const TOKENS_PER_EVENT = 16;

/**
 * One request from admission to its end: between the core, which decides, the engine of the present
 * attempt, and the client. At most one attempt is alive; an older one is silenced before the next.
 */
export class RelayedRequest implements RequestHandler, AttemptOwner {
  readonly facts: StageFacts;
  readonly #options: RelayedRequestOptions;
  #attempt: Attempt | null = null;
  #dispatch: Dispatch | null = null;
  #waitMs = 0;
  #tokensTold = 0;
  #lastError: GatewayError | null = null;
  #toldError: GatewayError | null = null;
  #ended = false;

  constructor(options: RelayedRequestOptions) {
    this.#options = options;
    this.facts = options.facts;
  }

  get errorCode(): ErrorCode | null {
    return this.#toldError?.code ?? null;
  }

  dispatch(command: Dispatch): void {
    const { answer, format, choices, eventBytesMax, driver, linkOf, requestFor, trace } =
      this.#options;
    this.#attempt?.abandon();
    this.#dispatch = command;
    this.#waitMs = driver.nowMs - command.queuedMs;
    this.#tokensTold = 0;
    trace.decision = command.decision;
    trace.dispatchedMs = driver.nowMs;
    const order = answer.begin();
    const link = linkOf(command.engine);
    const request = requestFor(link.client.endpoint, command);
    this.#attempt = new Attempt({ link, request, format, order, choices, eventBytesMax }, this);
  }

  abort(command: Abort): void {
    if (command.attempt === this.#dispatch?.attempt) this.#abandon();
  }

  reject(command: Reject): void {
    this.#abandon();
    const known = command.outcome === "engine-failed" ? this.#lastError : null;
    const error = known ?? errorOfOutcome(command.outcome, command.retryAfterMs);
    this.#tell(error);
  }

  ended(record: StageRecord): void {
    this.#ended = true;
    this.#options.trace.record = record;
    this.#options.used(chargedTokens(record));
  }

  /** The engine was declared dead. What it may still send must not meet that of the next engine. */
  engineLost(name: string): void {
    if (this.#attempt === null || this.#dispatch?.engine !== name) return;
    this.#abandon();
    this.#lastError = gatewayError("engine_failed", { detail: "It is no longer there." });
  }

  /** The gateway cannot go on with it. */
  shutDown(): void {
    if (this.#ended) return;
    this.#abandon();
    this.#tell(gatewayError("shutting_down"));
    this.#clientGone();
  }

  /** The client's connection is closed, with or without the whole answer. */
  closed(): void {
    this.#options.answer.release();
    if (!this.#ended) this.#clientGone();
  }

  onEvents(bytes: Buffer): boolean {
    const flows = this.#options.answer.take(
      bytes,
      () => this.#headers(),
      () => this.#attempt?.resume(),
    );
    this.#tellTokens();
    return flows;
  }

  settled(result: AttemptResult): void {
    const { answer, driver, requestId } = this.#options;
    const attempt = this.#dispatch?.attempt ?? 0;
    const outputTokens = this.#attempt?.tokens ?? 0;
    this.#attempt = null;
    if (result.result === "completed") answer.complete(() => this.#headers(), result.usage);
    else if (result.result === "refused") {
      const { status, headers, body } = result.answer;
      answer.refuse({ status, headers: [...this.#headers(), ...headers], body });
    } else this.#lastError = result.error;
    driver.apply({
      type: "request-ended",
      requestId,
      attempt,
      result: result.result,
      outputTokens,
      retryAfterMs: result.result === "full" ? result.error.retryAfterMs : null,
    });
  }

  /** The first report says that the engine has started; the rest are bundled. */
  #tellTokens(): void {
    const { driver, requestId, streams } = this.#options;
    const attempt = this.#dispatch?.attempt ?? 0;
    const news = (this.#attempt?.tokens ?? 0) - this.#tokensTold;
    // A byte that the client has seen counts as a token: nothing can be retried after it.
    const first = this.#tokensTold === 0 ? Math.max(news, streams ? 1 : 0) : 0;
    const tokens = Math.max(first, news >= TOKENS_PER_EVENT ? news : 0);
    if (tokens <= 0) return;
    this.#tokensTold += tokens;
    driver.apply({ type: "tokens-streamed", requestId, attempt, tokens });
  }

  #headers(): HeaderList {
    const { earlyHeaders } = this.#options;
    if (this.#dispatch === null) return earlyHeaders;
    return [...earlyHeaders, ...decisionHeaders(this.#dispatch, this.#waitMs)];
  }

  #tell(error: GatewayError): void {
    this.#toldError = error;
    this.#options.answer.fail(error, this.#headers());
  }

  #abandon(): void {
    this.#attempt?.abandon();
    this.#attempt = null;
  }

  #clientGone(): void {
    const { driver, requestId } = this.#options;
    driver.apply({ type: "client-gone", requestId });
  }
}

/** What fails or is refused is nobody's expense; who leaves pays for what was made until then. */
function chargedTokens({ outcome, dispatchedMs, promptTokens, outputTokens }: StageRecord): number {
  const isServed = outcome === "completed" || (outcome === "client-gone" && dispatchedMs !== null);
  return isServed ? promptTokens + outputTokens : 0;
}
