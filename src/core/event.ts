import type {
  EngineSpec,
  EngineState,
  Estimate,
  Knobs,
  Outcome,
  Policy,
  PriorityClass,
  Speed,
} from "./types.ts";

/** Who requests come from. */
export interface Tenant {
  readonly id: string;
  /** How many requests of his may wait. */
  readonly queueRequestsMax: number;
  /** May be shown in records, metrics and logs; absent where who he is must not be. */
  readonly name?: string;
  /** His share of a full engine against those of others that have one; without one he has no turn of his own. */
  readonly weight?: number;
}

/** A request of a workflow reached the driver. */
export interface RequestArrived {
  readonly type: "request-arrived";
  readonly timeMs: number;
  /** Unique among unfinished requests. */
  readonly requestId: string;
  /** Already scoped by API key. */
  readonly workflowId: string;
  /** Stage index within the workflow, from 0, as the driver counts it. */
  readonly stage: number;
  readonly class: PriorityClass;
  /** The name the client asked for; a workflow keeps one engine per pool. */
  readonly pool: string;
  /** What is known without waiting, one per candidate model, in the order of the configuration. The models named here are the candidates. */
  readonly estimates: readonly Estimate[];
  /** True when a better estimate should be asked for (command `predict`). */
  readonly predict: boolean;
  /** Tokens of the whole prompt, history included. */
  readonly promptTokens: number;
  /** The client's limit on output tokens, or null. */
  readonly outputTokensMax: number | null;
  /** True when tokens reach the client as they come, so that nothing can be retried after the first. */
  readonly streams: boolean;
  /** Longest wait before it must have been dispatched. */
  readonly queueWaitMsMax: number;
  /** It is of no use unless it starts within so long; refused at once when the queue says that it cannot. */
  readonly startWithinMs?: number;
  /** Who sent it, as far as the driver tells. */
  readonly tenant?: Tenant;
  readonly knobs: Knobs | null;
}

/** The predictor answered; a null `estimates` says that it failed. */
export interface PredictionReady {
  readonly type: "prediction-ready";
  readonly timeMs: number;
  readonly requestId: string;
  readonly estimates: readonly Estimate[] | null;
}

/** Output tokens since the last such event. The first one says that the engine has started. */
export interface TokensStreamed {
  readonly type: "tokens-streamed";
  readonly timeMs: number;
  readonly requestId: string;
  readonly attempt: number;
  readonly tokens: number;
}

/** The engine is done with a request that was dispatched to it. */
export interface RequestEnded {
  readonly type: "request-ended";
  readonly timeMs: number;
  readonly requestId: string;
  readonly attempt: number;
  /** failed: the engine broke. full: the engine has no room (503/429), it is not ill. */
  readonly result: "completed" | "refused" | "failed" | "full";
  /** full: how long the engine asked not to be sent anything; null or absent where it did not say. */
  readonly retryAfterMs?: number | null;
  /** Output tokens of the stage, as the engine counted them. */
  readonly outputTokens: number;
}

/** Something is known about an engine. `spec` joins it or replaces what was known. */
export interface EngineChanged {
  readonly type: "engine-changed";
  readonly timeMs: number;
  readonly engine: string;
  readonly spec?: EngineSpec;
  readonly state?: EngineState;
  readonly speed?: Speed;
  /** What the engine itself reports; needed where requests wait inside it. */
  readonly load?: { readonly waiting: number; readonly running: number };
}

/** The client of a request left. */
export interface ClientGone {
  readonly type: "client-gone";
  readonly timeMs: number;
  readonly requestId: string;
}

/** A workflow was declared finished, with its score if one is known. */
export interface WorkflowEnded {
  readonly type: "workflow-ended";
  readonly timeMs: number;
  readonly workflowId: string;
  /** 0..1, or null. */
  readonly score: number | null;
}

/** Numbers that count from now on. What the order of a queue rests on stays: choice, order, starvationThreshold. */
export interface SettingsChanged {
  readonly type: "settings-changed";
  readonly timeMs: number;
  readonly policy: Policy;
  readonly predictionBudgetMs: number;
  readonly attemptsMax: number;
  readonly queueRequestsMax: number;
  readonly queueTokensMax: number;
}

/** A workflow of an earlier scheduler goes on here. Comes before any request of it. */
export interface WorkflowRestored extends WorkflowMemory {
  readonly type: "workflow-restored";
  readonly timeMs: number;
}

/** What outlives a scheduler of a workflow. Times may lie before the scheduler's own. */
export interface WorkflowMemory {
  readonly workflowId: string;
  readonly arrivedMs: number;
  readonly lastSeenMs: number;
  readonly stages: number;
  readonly completedStages: number;
  readonly producedTokens: number;
  readonly models: readonly string[];
  /** By pool, the engine that serves the workflow. */
  readonly homes: readonly {
    readonly pool: string;
    readonly engine: string;
    readonly started: boolean;
  }[];
  /** Prompt and output of the last completed stage, and the engine that holds them. */
  readonly context: { readonly engine: string; readonly tokens: number } | null;
}

/** Nothing but time; must come no later than `nextWakeMs`. */
export interface TimePassed {
  readonly type: "time-passed";
  readonly timeMs: number;
}

export type Event =
  | RequestArrived
  | PredictionReady
  | TokensStreamed
  | RequestEnded
  | EngineChanged
  | ClientGone
  | WorkflowEnded
  | SettingsChanged
  | WorkflowRestored
  | TimePassed;

export type EndedResult = RequestEnded["result"];
export type { Outcome };
