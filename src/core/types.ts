/**
 * Values that two rooms share. Everything here is plain data: it can be written to a file as JSON
 * and read back without loss. Times are milliseconds on the driver's clock, lengths are tokens.
 */

/** Classes stand outside the order: a queued request of an earlier class always sorts first. */
export type PriorityClass = "system" | "interactive" | "default" | "bulk";

export const PRIORITY_CLASSES: readonly PriorityClass[] = [
  "system",
  "interactive",
  "default",
  "bulk",
];

/** How an engine's step time grows: one iteration lasts base + perSequence x decoding + perKvToken x held + perPromptToken x prompt tokens computed in it. */
export interface Speed {
  readonly baseMs: number;
  readonly perSequenceMs: number;
  readonly perKvTokenMs: number;
  readonly perPromptTokenMs: number;
}

/** live: takes new work. draining: finishes what runs, takes none. dead: lost what ran. removed: forgotten. */
export type EngineState = "live" | "draining" | "dead" | "removed";

/** What the core must know of an engine: one serving process of one model. */
export interface EngineSpec {
  /** Unique name; the order in which engines join breaks ties. */
  readonly name: string;
  readonly model: string;
  /** Sequences that run at once. */
  readonly maxSequences: number;
  /** Tokens of KV memory for prompts and outputs together. */
  readonly kvTokens: number;
  /** Requests beyond maxSequences that the engine is given, so that a hop is hidden: 1 where a queued request can be aborted, else 0. */
  readonly overCommit: number;
  /** Where requests wait. "engine": everything is dispatched at once and the engine orders it. */
  readonly queuePlace: "gateway" | "engine";
  readonly speed: Speed;
  /** Profiled ms per token with profileBatch sequences running (paper, Algorithm 1). */
  readonly profileMsPerToken: number;
  readonly profileBatch: number;
}

/** What is predicted of one workflow, from one stage on, should a given model serve it. */
export interface Estimate {
  readonly model: string;
  /** Probability that the model solves the workflow's task, 0..1. */
  readonly confidence: number;
  /** Mean of the output tokens of this stage and all later ones. */
  readonly remainingMean: number;
  /** Median of the same. */
  readonly remainingMedian: number;
  /** The same from the 10 to the 90 % quantile, where the predictor knows it; for watching, not for deciding. */
  readonly remainingRange?: readonly [low: number, high: number];
  /** Output tokens of this stage alone. */
  readonly stageTokens: number;
  /** Which predictor said so, and why: "cold-start:kind+role", "forest", "hint", "oracle", ... */
  readonly source: string;
}

/** Knobs that a deployment, a key or a request may set; see Policy. */
export interface Knobs {
  /** kappa: the price, in units of score, of one unloaded completion time (auto). */
  readonly price?: number;
  /** tau: the accepted share of extra latency over the quickest candidate. */
  readonly slack?: number;
  /** delta_s: the confidence that a slower model must add (paper). */
  readonly minGain?: number;
}

/** The choices that a policy can name; see `route.ts` and `rule.ts`. */
export const CHOICES = [
  "auto",
  "paper",
  "balancer",
  "round-robin",
  "least-tokens",
  "random",
  /** Every workflow to the model with the least, or the most, single-stream time per token. */
  "smallest-model",
  "largest-model",
  /** The least expected time, whatever the model can. */
  "quickest",
  /** The largest confidence, whatever the load. */
  "most-confident",
  /** Confidence less `price` times the expected time as a share of the slowest candidate's. */
  "weighted",
] as const;

/** own: `own.valueFor` of the policy. */
export type Choice = (typeof CHOICES)[number] | "own";

/** The orders that a policy can name; see `priorityOf`. */
export const ORDERS = [
  "smith-age",
  "fcfs",
  "wffcfs",
  "sjf",
  "stjf",
  "plas",
  "mlfq",
  "kv-cost",
] as const;

/** own: `own.priorityFor` of the policy. */
export type Order = (typeof ORDERS)[number] | "own";

/** What an order may look at when a request is queued. Lengths in tokens, times in ms. */
export interface OrderFacts {
  readonly workflowArrivalMs: number;
  /** Predicted output tokens of this stage. */
  readonly stageTokens: number;
  /** Predicted output tokens of this and all later stages. */
  readonly remainingTokens: number;
  /** Output tokens that the workflow has produced in earlier stages. */
  readonly producedTokens: number;
  /** Output tokens that this request itself has made (after it lost its place). */
  readonly attainedTokens: number;
  readonly promptTokens: number;
  /** Reading of the age clock when the workflow arrived (findings: one static key). */
  readonly ageReading: number;
}

/**
 * Rules that a policy brings along. Pure functions: the same numbers in, the same number out; no clock
 * and no chance, for decisions are replayed.
 */
export interface OwnRules {
  /** choice `own`: the candidate of the largest value serves; W, own work and delay are filled in. */
  readonly valueFor?: (candidate: Candidate) => number;
  /** order `own`: the number under which a request is queued, smaller sooner. Never asked again. */
  readonly priorityFor?: (facts: OrderFacts) => number;
}

/** What a price is moved to meet; one of the two. */
export interface Target {
  /** Mean over workflows of (end - arrival) / output tokens, ms. */
  readonly msPerToken?: number | undefined;
  /** Mean of the scores that are reported, 0..1. */
  readonly score?: number | undefined;
}

/** A scheduling policy: one value that gateway, simulator and experiments share. */
export interface Policy {
  readonly choice: Choice;
  readonly order: Order;
  /** Whether a workflow keeps its engine ("workflow") or each stage is placed anew ("stage"). */
  readonly assign: "workflow" | "stage";
  /** kappa of auto: 0.1 quality, 0.2 balanced, 0.4 speed. */
  readonly price: number;
  /** auto: what the price moves to meet, from `price` on; null: it stays. A request's own price comes first. */
  readonly target: Target | null;
  /** tau. In auto: null means no cap. */
  readonly slack: number | null;
  /** delta_s of the paper. */
  readonly minGain: number;
  /** paper: add the request's own predicted time to the load estimate. */
  readonly ownWork: boolean;
  /** auto: W counts all that the running workflows have left, their later stages too; else one stage of theirs. */
  readonly countsRunning: boolean;
  /** auto: the price counts what the request delays others by (X). */
  readonly countsDelay: boolean;
  /** auto: step times at the live batch; else the engine's profiled time per token. */
  readonly liveBatch: boolean;
  /** The predicted rest that the order goes by: the one of the choice (auto: mean, paper: median), the median, or the 90 % quantile (the mean where none is known). */
  readonly orderBy: "choice" | "median" | "range-end";
  /** S: dispatch rounds (iterations inside an engine) a queued request is passed over before it is promoted; 0 switches aging off. */
  readonly starvationThreshold: number;
  /** Q: rounds that a promoted request is served before it is demoted. */
  readonly starvationQuantum: number;
  /** The dial of smith-age: the age clock advances by dt / (ageScale x U). 5 fairer, 20 faster. */
  readonly ageScale: number;
  /** How many queued requests of each other engine an idle engine looks at; 0 switches late choice off. */
  readonly lateChoiceRequestsMax: number;
  /** auto: at each later stage choose again, with this bonus of score for the engine that served the workflow last; null keeps the engine. */
  readonly stickinessBonus: number | null;
  /** The rules behind the choice or the order `own`. */
  readonly own?: OwnRules;
}

/** How a request ends; closed. Each request ends exactly once, in one of these. */
export type Outcome =
  | "completed"
  /** The engine refused it as the client's mistake (its 4xx was passed on). */
  | "refused"
  /** The engine broke and the request could not be retried. */
  | "engine-failed"
  /** The client left. */
  | "client-gone"
  /** It waited longer than its queue limit. */
  | "queue-timeout"
  /** The queue, or its tenant's share of it, was full when it came. */
  | "queue-full"
  /** The queue was full and another came: it was the last in order of a lower class, or of the tenant with most waiting for its weight. */
  | "shed"
  /** It could not have started before its deadline. */
  | "deadline"
  /** No live engine serves any of its models. */
  | "no-engine";

/** One engine that could have served a request, with the numbers that were weighed. */
export interface Candidate {
  readonly engine: string;
  readonly model: string;
  readonly confidence: number;
  /** Predicted remaining tokens of the workflow on this model. */
  readonly remainingTokens: number;
  /** Predicted tokens on the engine's ledger before this request. */
  readonly inFlightTokens: number;
  readonly waiting: number;
  readonly running: number;
  /** Expected time before it starts (auto: W; paper: L without own work). */
  readonly waitMs: number;
  /** Expected time of its own work at the live batch. */
  readonly ownMs: number;
  /** Delay that it adds to others. */
  readonly delayMs: number;
  /** auto: score added because it served the workflow last. */
  readonly bonus: number;
  /** What the rule compared; larger is better. */
  readonly value: number;
  /** Why it was left out, or null. */
  readonly excluded: "slack" | "gain" | "model" | null;
}

/** Why a request goes where it goes. */
export type Rule =
  /** auto: the largest score minus price x time. */
  | "price"
  /** paper: the most confident model within the slack that gains enough. */
  | "confidence-within-slack"
  /** paper: no model passed both tests, the quickest one serves; the choice of that name. */
  | "quickest"
  /** balancer, round-robin, least-tokens, random, smallest-model, largest-model. */
  | "balance"
  /** most-confident. */
  | "confidence"
  /** weighted. */
  | "weighted"
  /** own: the largest value by the policy's rule. */
  | "own"
  /** A later stage stays on the engine of the earlier ones. */
  | "sticky"
  /** A later stage of a workflow whose engine cannot serve moves to another engine of its model. */
  | "sticky-model"
  /** There was one engine to choose from. */
  | "only-candidate"
  /** An engine with room took an unstarted workflow from another queue. */
  | "late-choice";

/** A decision is a value: recorded, shown and replayed. */
export interface Decision {
  readonly requestId: string;
  readonly workflowId: string;
  readonly stage: number;
  readonly timeMs: number;
  readonly choice: Choice;
  readonly rule: Rule;
  readonly engine: string;
  readonly model: string;
  readonly confidence: number;
  readonly remainingTokens: number;
  /** Predicted output tokens of this stage alone. */
  readonly stageTokens: number;
  /** Where the numbers came from, and whether a prediction came too late. */
  readonly estimateSource: string;
  readonly prediction: "ready" | "late" | "failed" | "not-asked";
  /** The engine it was taken from, for late choice or after an engine was lost. */
  readonly movedFrom: string | null;
  /** The knobs that counted: the request's own, else the policy's. */
  readonly price: number;
  readonly slack: number | null;
  readonly minGain: number;
  /** auto: T0, the time that `price` is the price of; null for the other choices. */
  readonly unloadedMs: number | null;
  readonly candidates: readonly Candidate[];
}
