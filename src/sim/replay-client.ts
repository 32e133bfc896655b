import { type Dispatcher, Pool } from "undici";
import type { Clock } from "../engine/clock.ts";
import { AnswerReader, parsed, withCode } from "./replay-answer.ts";
import type { ChatMessage } from "./workload.ts";

export interface ReplayClientOptions {
  /** API base, such as `http://127.0.0.1:8080/v1`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | null;
  readonly clock: Clock;
  /** Ends the stages under way. */
  readonly over: AbortSignal;
}

/** One stage as it goes over the wire. */
export interface StageRequest {
  readonly workflowId: string;
  readonly kind: string;
  readonly taskId: string;
  readonly role: string | null;
  readonly stage: number;
  readonly messages: readonly ChatMessage[];
}

export type StageReply =
  | {
      readonly ok: true;
      /** The model that served it, where the answer names one. */
      readonly model: string | null;
      readonly outputTokens: number;
      /** Real ms. */
      readonly queueWaitMs: number;
    }
  | {
      readonly ok: false;
      readonly reason: string;
      readonly mayRetry: boolean;
      /** Real ms; null where the answer names no time. */
      readonly retryAfterMs: number | null;
    };

/** What was sent. By status: what came back, `none` where nothing did. */
export interface ReplayCounters {
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly feedbackByStatus: Readonly<Record<string, number>>;
}

type Headers = Dispatcher.ResponseData["headers"];

/** We let an idle connection go before servers do. */
const KEEP_ALIVE_MS = 3_000;
const FEEDBACK_MS_MAX = 5_000;
/** A server that asks for a longer wait is not believed, as the official clients do. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Statuses below 500 that the official clients try again. */
const RETRIED_STATUSES: readonly number[] = [408, 409, 429];

/** The HTTP side of a replay: an OpenAI-compatible server as its clients see it. */
export class ReplayClient {
  readonly #options: ReplayClientOptions;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #byStatus = new Map<string, number>();
  readonly #feedbackByStatus = new Map<string, number>();
  #requests = 0;

  constructor(options: ReplayClientOptions) {
    const { origin, pathname } = new URL(options.baseUrl);
    this.#options = options;
    this.#path = pathname.replace(/\/+$/, "");
    this.#headers = {
      "content-type": "application/json",
      ...(options.apiKey === null ? {} : { authorization: `Bearer ${options.apiKey}` }),
    };
    this.#pool = new Pool(origin, {
      connections: null,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // A stage may wait long in a queue; the replay's deadline is the limit.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  get counters(): ReplayCounters {
    return {
      requests: this.#requests,
      byStatus: Object.fromEntries(this.#byStatus),
      feedbackByStatus: Object.fromEntries(this.#feedbackByStatus),
    };
  }

  /** Sends a stage and reads its answer to the end. */
  async ask(request: StageRequest): Promise<StageReply> {
    this.#requests++;
    let response: Dispatcher.ResponseData;
    try {
      response = await this.#pool.request({
        method: "POST",
        path: `${this.#path}/chat/completions`,
        headers: { ...this.#headers, ...stageHeaders(request) },
        body: JSON.stringify({
          model: this.#options.model,
          messages: request.messages,
          stream: true,
          stream_options: { include_usage: true },
        }),
        signal: this.#options.over,
      });
    } catch {
      count(this.#byStatus, "none");
      return { ok: false, reason: "no-connection", mayRetry: true, retryAfterMs: null };
    }
    count(this.#byStatus, String(response.statusCode));
    return response.statusCode === 200 ? readAnswer(response) : readRefusal(response);
  }

  /** Says how a workflow went. Its failure is counted and changes nothing. */
  async sendFeedback(workflowId: string, score: number): Promise<void> {
    const tooLong = new AbortController();
    const timer = this.#options.clock.setTimer(() => tooLong.abort(), FEEDBACK_MS_MAX);
    try {
      const response = await this.#pool.request({
        method: "POST",
        path: `${this.#path}/feedback`,
        headers: this.#headers,
        body: JSON.stringify({ workflow_id: workflowId, score }),
        signal: tooLong.signal,
      });
      await response.body.dump();
      count(this.#feedbackByStatus, String(response.statusCode));
    } catch {
      count(this.#feedbackByStatus, "none");
    } finally {
      timer.cancel();
    }
  }

  /** Closes every connection. */
  destroy(): Promise<void> {
    return this.#pool.destroy();
  }
}

function count(counts: Map<string, number>, status: string): void {
  counts.set(status, (counts.get(status) ?? 0) + 1);
}

function stageHeaders(request: StageRequest): Record<string, string> {
  const stage = String(request.stage);
  return {
    "x-chimera-workflow-id": headerText(request.workflowId),
    "x-chimera-workflow-kind": headerText(request.kind),
    ...(request.role === null ? {} : { "x-chimera-role": headerText(request.role) }),
    "x-chimera-stage": stage,
    "x-chimera-playback-task": headerText(request.taskId),
    "x-chimera-playback-stage": stage,
  };
}

/** Headers carry printable ASCII; the rest is percent-encoded. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, (foreign) =>
    encodeURIComponent(Buffer.from(foreign).toString()),
  );
}

async function readAnswer({ headers, body }: Dispatcher.ResponseData): Promise<StageReply> {
  const reader = new AnswerReader();
  try {
    for await (const bytes of body) reader.feed(bytes);
  } catch {
    return failure("broken-stream", headers);
  }
  const end = reader.finish();
  if (!end.good) return failure(end.reason, headers);
  const told = (name: string): string | null =>
    headerOf(headers, name) ?? reader.decision.get(name) ?? null;
  return {
    ok: true,
    model: told("x-chimera-model") ?? reader.model,
    outputTokens: end.outputTokens,
    queueWaitMs: Number(told("x-chimera-queue-wait-ms") ?? 0) || 0,
  };
}

async function readRefusal(response: Dispatcher.ResponseData): Promise<StageReply> {
  const { statusCode, headers } = response;
  const text = await response.body.text().catch(() => "");
  const reply = failure(withCode(`http-${statusCode}`, parsed(text)), headers);
  const isRetried = RETRIED_STATUSES.includes(statusCode) || statusCode >= 500;
  return { ...reply, mayRetry: reply.mayRetry && isRetried };
}

function failure(reason: string, headers: Headers): StageReply & { readonly ok: false } {
  const seconds = Number(headerOf(headers, "retry-after") ?? Number.NaN);
  const isBelieved = seconds >= 0 && seconds * 1000 <= RETRY_AFTER_MS_MAX;
  return {
    ok: false,
    reason,
    mayRetry: headerOf(headers, "x-should-retry") !== "false",
    retryAfterMs: isBelieved ? seconds * 1000 : null,
  };
}

function headerOf(headers: Headers, name: string): string | null {
  const value = headers[name];
  return typeof value === "string" ? value : null;
}
