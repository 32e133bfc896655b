import type { Knobs, Policy, PriorityClass, Speed } from "../core/types.ts";

/** What serves the engine's API: decides which fields it takes and whether a queued request can be aborted. */
export type EngineKind =
  | "vllm"
  | "sglang"
  | "llama.cpp"
  | "ollama"
  | "tgi"
  | "transformers"
  | "openai";

/** How a priority is passed on. vllm: smaller is sooner. sglang: larger is sooner. none: not at all. */
export type EnginePriority = "none" | "vllm" | "sglang";

export interface EngineTimeouts {
  readonly connectMs: number;
  /** Until the status line, which several engines send with the first token. */
  readonly headersMs: number;
  /** Between two pieces of a stream. */
  readonly idleMs: number;
  readonly totalMs: number;
}

/** One serving process of one model. */
export interface EngineConfig {
  /** Unique. */
  readonly name: string;
  /** Base of the OpenAI API without a slash at its end: `<url>/chat/completions` is called. */
  readonly url: string;
  /** The name that clients and the scheduler use. */
  readonly model: string;
  /** The name that the engine is sent. */
  readonly upstreamModel: string;
  readonly kind: EngineKind;
  /** Prior probability that the model solves a task, 0..1; the same for all replicas of a model. */
  readonly confidence: number;
  readonly maxConcurrency: number;
  readonly kvTokens: number;
  /** Secret: show a config only through `showConfig`. */
  readonly apiKey: string | null;
  /** Sent with every request; the values are secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly priority: EnginePriority;
  /** It answers `/v1/responses`; elsewhere such requests are translated. */
  readonly responses: boolean;
  /** It may be at an address where clouds keep their metadata, or that only its own link knows. */
  readonly allowLinkLocal: boolean;
  readonly speed: Speed;
  /** False: `speed` is a guess that a calibration should replace. */
  readonly speedIsMeasured: boolean;
  readonly timeouts: EngineTimeouts;
}

/** A name that clients may ask for and that stands for several models. */
export interface VirtualModel {
  readonly name: string;
  /** Real models, in the order in which ties are broken. */
  readonly candidates: readonly string[];
  readonly knobs: Knobs | null;
}

export interface Limits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  /** From a connection's first byte to the end of a request's headers, and to the end of its body. */
  readonly headersMsMax: number;
  readonly bodyMsMax: number;
  /** Clients' connections at once; more are closed. */
  readonly connectionsMax: number;
  /** Levels of objects and lists in a body. */
  readonly nestingMax: number;
  readonly messagesMax: number;
  /** One event of an engine's stream. */
  readonly eventBytesMax: number;
  readonly queueRequestsMax: number;
  /** Of them, those of one API key. */
  readonly queueRequestsPerKeyMax: number;
  /** Predicted tokens that may wait in all queues. */
  readonly queueTokensMax: number;
  readonly queueWaitMsMax: number;
  readonly workflowsMax: number;
  /** A workflow without a request for so long is over. */
  readonly workflowIdleMsMax: number;
  /** Times that a request is sent to an engine, the first included. */
  readonly attemptsMax: number;
  /** Silence on a client's stream after which it is sent a comment. */
  readonly pingAfterMs: number;
  /** How long the status line is held back for a queued stream, so that an early error keeps its status. */
  readonly statusHoldMs: number;
  /** How long running requests may go on after the order to stop. */
  readonly drainMsMax: number;
  /** Characters of a request's text that predictors are given. */
  readonly textCharactersMax: number;
}

export interface PredictionConfig {
  /** How long a request waits for its prediction; then it goes on with what the estimator said at once. */
  readonly budgetMs: number;
  /** Paths of model files, relative to the configuration's file; null: nothing learned is used. */
  readonly lengthModel: string | null;
  readonly routerModel: string | null;
  readonly threads: number;
  readonly batchSizeMax: number;
  /** How long a request waits for others while a thread is idle. */
  readonly batchWaitMsMax: number;
  /** Requests that wait for a prediction; those beyond go on without. */
  readonly requestsPendingMax: number;
  /** A thread that takes longer for a batch is replaced. */
  readonly batchMsMax: number;
  readonly startMsMax: number;
  /** Threads that are replaced within `restartWindowMs`. */
  readonly restartsMax: number;
  readonly restartWindowMs: number;
}

export interface StoreConfig {
  /** Relative to the working directory; null switches the store off. */
  readonly path: string | null;
  /** Whether the text of prompts is kept. */
  readonly prompts: boolean;
  /** Rows that may wait for the disk; what comes beyond is dropped and counted. */
  readonly rowsPendingMax: number;
  /** Rows kept in each table; the oldest are deleted. */
  readonly rowsMax: number;
  /** File of what should outlive the process: workflows with their engines, and what was learned; null: nothing does. */
  readonly snapshotPath: string | null;
  readonly snapshotIntervalMs: number;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

export interface ListenConfig {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether the address may be reached by others although there are no keys. */
  readonly open: boolean;
  /** Paths of PEM files, relative to the working directory; null: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** One client's key: who it is, and what it may do. */
export interface ApiKeyConfig {
  /** Unique; shown in logs, metrics and traces. */
  readonly name: string;
  /** Unique; the key itself is kept nowhere. */
  readonly hash: string;
  /** Models and virtual models that it may ask for; null: all. */
  readonly models: readonly string[] | null;
  /** The highest class that its requests may have; more is lowered. */
  readonly classMax: PriorityClass;
  /** null: no limit, here and below. */
  readonly requestsPerMinute: number | null;
  /** Of prompts and answers together. */
  readonly tokensPerMinute: number | null;
  /** Unfinished requests at once. */
  readonly concurrency: number | null;
  /** Its share of a full engine is its weight against those of the other keys that wait there. */
  readonly weight: number;
}

/** `file`: the module whose rules it brings; relative to the working directory, or absolute. */
export type ConfigPolicy = Policy & { readonly file?: string };

/** Everything that a deployment may set, complete and frozen. */
export interface Config {
  readonly listen: ListenConfig;
  /** Without any, everyone who reaches the gateway may use it. */
  readonly keys: readonly ApiKeyConfig[];
  /** Hash of the token by which operators from other machines look inside; null: only this machine may. */
  readonly admin: {
    readonly hash: string | null;
    /** Where the admin API listens, on this machine alone, and the hash of its token; null: nowhere. */
    readonly api: { readonly listen: string; readonly hash: string } | null;
  };
  /** At least one, in the order of the file. */
  readonly engines: readonly EngineConfig[];
  /** Always holds one named `chimera`. */
  readonly models: readonly VirtualModel[];
  readonly policy: ConfigPolicy;
  readonly prediction: PredictionConfig;
  readonly limits: Limits;
  readonly store: StoreConfig;
  readonly log: { readonly level: LogLevel };
  readonly seed: number;
}
