export interface PredictionServiceLimits {
  readonly threads: number;
  readonly batchSizeMax: number;
  /** How long a request waits for others while a model is idle. */
  readonly batchWaitMsMax: number;
  /** Requests without an answer; one that comes beyond is answered null at once. */
  readonly requestsPendingMax: number;
  /** A model that takes longer for a batch is taken as hung and started anew. */
  readonly batchMsMax: number;
  readonly startMsMax: number;
  /** Threads that are replaced within `restartWindowMs`; beyond it none is, until the window has passed. */
  readonly restartsMax: number;
  readonly restartWindowMs: number;
}

export const SERVICE_LIMITS: PredictionServiceLimits = {
  threads: 1,
  batchSizeMax: 32,
  batchWaitMsMax: 1,
  requestsPendingMax: 1024,
  batchMsMax: 1000,
  startMsMax: 30_000,
  restartsMax: 5,
  restartWindowMs: 60_000,
};

/** What became of the requests, each counted once, and of the threads. */
export interface PredictionServiceCounts {
  readonly predicted: number;
  /** Answered null at once: too many pending, no model ready, or closed. */
  readonly refused: number;
  /** The deadline passed before there was an answer. */
  readonly late: number;
  /** The model failed, died, hung, or gave nothing usable. */
  readonly failed: number;
  /** Threads started in the place of one that ended. */
  readonly restarts: number;
  /** Models taken in the place of the running one, and models that could not start. */
  readonly swaps: number;
  readonly swapsRefused: number;
}

export const NO_COUNTS: PredictionServiceCounts = {
  predicted: 0,
  refused: 0,
  late: 0,
  failed: 0,
  restarts: 0,
  swaps: 0,
  swapsRefused: 0,
};

export type SwapResult =
  | { readonly ok: true }
  /** Why the new model is not used; the old one goes on. */
  | { readonly ok: false; readonly message: string };
