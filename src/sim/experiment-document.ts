import type { Policy } from "../core/types.ts";
import type { LengthRecipe } from "../predict/length-features.ts";
import type { Domain } from "./generated-models.ts";

/** Timing and memory of the engines of one model. */
export interface ExperimentEngine {
  readonly baseMs: number;
  readonly perSequenceMs: number;
  readonly perKvTokenMs: number;
  readonly perPromptTokenMs: number;
  readonly kvTokens: number;
  readonly chunkTokens: number;
  readonly replicas: number;
}

export interface ExperimentWorkload {
  readonly name: string;
  /** First the one that breaks ties. */
  readonly models: readonly string[];
  /** Files in the data folder; either this or `generated`. */
  readonly recorded?:
    | { readonly runs: string; readonly tasks: string; readonly templates?: string | undefined }
    | undefined;
  readonly generated?: { readonly domain: Domain; readonly problems: number } | undefined;
  /** Times the replicas of each of its engines. */
  readonly replicas: number;
  /** Workflows of a window, in the place of the experiment's; the quick part's come first. */
  readonly workflows?: number | undefined;
}

/**
 * cold-start: has seen the runs that are not played. Learned ones were trained on them. The others take
 * lengths, scores or both from the played runs, exactly or disturbed.
 */
export type PredictorSpec =
  | "cold-start"
  | "true-lengths"
  | "true-scores"
  | "truth"
  | LearnedSpec
  | DisturbedTruth;

/** What is learned stands before the cold-start estimator, which answers the rest. */
export interface LearnedSpec {
  readonly learned: {
    /** A forest of this recipe for the lengths. */
    readonly lengths?: LengthRecipe | undefined;
    /** The text router for the confidence; or, as a baseline, the nearest known tasks. */
    readonly router?: boolean | "neighbours" | undefined;
  };
}

export interface DisturbedTruth {
  /** Lengths in an order that is wrong by this share of the pairs; else the cold-start lengths. */
  readonly kendallDistance?: number | undefined;
  /** Calibrated confidence whose area under the ROC curve is this, among runs that are equal but for their outcome; else that of cold-start. */
  readonly routerArea?: number | undefined;
}

/** Beside a policy's own: what an engine is given beyond its limit, and whether small models are tried first. */
type Settings = Partial<Policy & { readonly overCommit: number; readonly cascades: boolean }>;

export interface PolicyEntry {
  /** A name in the core's table of policies, or the path of a policy's file. */
  readonly policy: string;
  readonly label?: string | undefined;
  readonly set: { readonly [Key in keyof Settings]?: Settings[Key] | undefined };
  /** Instead of the experiment's predictors. */
  readonly predictor?: PredictorSpec | undefined;
  /** One setting and its values: a variant for each. */
  readonly sweep: Readonly<Record<string, readonly number[]>> | null;
}

/** What the paper reports for one of its deployments, its method against one baseline. */
export interface PaperRow {
  readonly workload: string;
  /** Label of the policy. */
  readonly against: string;
  /** How many times as fast. */
  readonly speed: number;
  /** Gain of score in percentage points. */
  readonly points: number;
}

/** What goes wrong in each window. */
export interface DisturbanceSpec {
  /** Mean patience of clients, exponential. */
  readonly patienceSecondsMean?: number | undefined;
  /** All replicas of a model die at a share of the time of arrivals, for another share of it. */
  readonly faults: readonly {
    readonly model: string;
    readonly atShare: number;
    readonly downShare: number;
  }[];
}

/** What the quick part runs instead; lists of names keep those. */
export interface QuickPart {
  readonly workflows?: number | undefined;
  readonly seeds?: readonly number[] | undefined;
  readonly batchLimits?: readonly number[] | undefined;
  readonly loads?: readonly number[] | undefined;
  readonly callsPerSecond?: readonly number[] | undefined;
  readonly predictors?: readonly PredictorSpec[] | undefined;
  readonly workloads?: readonly string[] | undefined;
  readonly policies?: readonly string[] | undefined;
}

/** An experiment as it is written in a file. */
export interface ExperimentDocument {
  readonly name: string;
  readonly title: string;
  /** Paragraphs for the page: what is run, and what to know when reading it. */
  readonly about: string;
  readonly view: "recorded" | "paper" | "comparison";
  readonly workloads: readonly ExperimentWorkload[];
  /** By model. */
  readonly engines: Readonly<Record<string, ExperimentEngine>>;
  readonly batchLimits: readonly number[];
  readonly arrivals: "poisson" | { readonly trace: string };
  readonly disturbances?: DisturbanceSpec | undefined;
  /** Shares of what the engines complete under a permanent backlog; either this or callsPerSecond. */
  readonly loads?: readonly number[] | undefined;
  /** LLM calls of all workflows together. */
  readonly callsPerSecond?: readonly number[] | undefined;
  readonly workflows: number;
  readonly seeds: readonly number[];
  readonly predictors: readonly PredictorSpec[];
  readonly policies: readonly PolicyEntry[];
  /** Label of the policy that the others are compared with. */
  readonly baseline: string;
  readonly paper: readonly PaperRow[];
  readonly quick: QuickPart;
}
