import type { Estimate } from "../core/types.ts";
import { calibrationError, kendallDistance } from "../learn/score.ts";
import type { StageFacts, StageSeen, WorkflowSeen } from "./port.ts";
import { RecentMap } from "./recent-map.ts";

export interface DriftOptions {
  /** Newest cases of a model that are scored; 512 unless set. */
  readonly casesMax?: number;
  /** Models that are scored; 64 unless set. The one longest without a case leaves. */
  readonly modelsMax?: number;
  /** Unfinished workflows whose predictions are remembered; 4,096 unless set. */
  readonly openWorkflowsMax?: number;
}

/** How good the predictions for one model were lately; null where the cases hold nothing to score. */
export interface ModelDrift {
  readonly model: string;
  /** Stages whose remaining lengths are known, in the window. */
  readonly lengths: number;
  /** Kendall distance of the predicted to the true remaining tokens, 0..1. */
  readonly kendallDistance: number | null;
  /** Share of true remaining tokens inside the predicted interval from 10 to 90 %; .8 is right. */
  readonly coverage: number | null;
  /** Workflows with a score, in the window. */
  readonly scores: number;
  /** Expected calibration error of the confidence, 0..1. */
  readonly calibrationError: number | null;
}

interface LengthCase {
  readonly predicted: number;
  readonly tokens: number;
  /** Null where no interval was predicted. */
  readonly isInside: boolean | null;
}

interface ScoreCase {
  readonly confidence: number;
  readonly score: number;
}

interface ModelWindow {
  readonly lengths: LengthCase[];
  readonly scores: ScoreCase[];
}

/** What was said before one stage. */
interface Said {
  readonly stage: number;
  readonly pool: string;
  estimates: readonly Estimate[];
}

/** Stages of one workflow whose predictions are remembered, the first ones. */
const OPEN_STAGES_MAX = 256;

/**
 * Scores what was predicted against what happened, by model, over the newest cases. A workflow counts
 * for lengths where one model did what was left of it, for scores where one model did the whole.
 * Only watches; memory is bounded.
 */
export class Drift {
  readonly #casesMax: number;
  readonly #windows: RecentMap<ModelWindow>;
  readonly #open: RecentMap<Said[]>;

  constructor({ casesMax = 512, modelsMax = 64, openWorkflowsMax = 4096 }: DriftOptions = {}) {
    this.#casesMax = casesMax;
    this.#windows = new RecentMap(modelsMax);
    this.#open = new RecentMap(openWorkflowsMax);
  }

  /** What was said before a stage; said again, the last word counts. */
  predicted(facts: StageFacts, estimates: readonly Estimate[]): void {
    const stages = this.#open.get(facts.workflowId) ?? [];
    const known = saidBefore(stages, facts);
    const { stage, pool } = facts;
    if (known !== undefined) known.estimates = estimates;
    else if (stages.length < OPEN_STAGES_MAX) stages.push({ stage, pool, estimates });
    this.#open.set(facts.workflowId, stages);
  }

  /** Only the prediction for the model that served is kept. */
  stageEnded({ facts, model }: StageSeen): void {
    const said = saidBefore(this.#open.get(facts.workflowId) ?? [], facts);
    if (said === undefined) return;
    said.estimates = said.estimates.filter((each) => each.model === model);
  }

  workflowEnded({ stages, score }: WorkflowSeen): void {
    const [first] = stages;
    const open = first === undefined ? undefined : this.#open.take(first.facts.workflowId);
    if (first === undefined || open === undefined) return;
    const saidOf = ({ facts, model }: StageSeen): Estimate | undefined =>
      saidBefore(open, facts)?.estimates.find((each) => each.model === model);
    const models = new Map<string, string | null>();
    let tokens = 0;
    for (const stage of stages.toReversed()) {
      const known = models.get(stage.facts.pool);
      const only = known === undefined || known === stage.model ? stage.model : null;
      models.set(stage.facts.pool, only);
      tokens += stage.outputTokens;
      const said = only === null ? undefined : saidOf(stage);
      if (said !== undefined) this.#addLength(said, tokens);
    }
    const said = stages.every(({ model }) => model === first.model) ? saidOf(first) : undefined;
    if (said === undefined || score === null) return;
    const { scores } = this.#windowOf(said.model);
    push(scores, { confidence: said.confidence, score }, this.#casesMax);
  }

  /** Scored anew at each call, O(n log n) in the cases of the windows. */
  view(): ModelDrift[] {
    return this.#windows.entries().map(([model, { lengths, scores }]) => {
      const judged = lengths.filter(({ isInside }) => isInside !== null);
      return {
        model,
        lengths: lengths.length,
        kendallDistance: kendallDistance(
          lengths.map(({ tokens }) => tokens),
          lengths.map(({ predicted }) => predicted),
        ),
        coverage:
          judged.length === 0
            ? null
            : judged.filter(({ isInside }) => isInside).length / judged.length,
        scores: scores.length,
        calibrationError: calibrationError(
          scores.map(({ score }) => score),
          scores.map(({ confidence }) => confidence),
        ),
      };
    });
  }

  #addLength({ model, remainingMedian, remainingRange }: Estimate, tokens: number): void {
    const [low, high] = remainingRange ?? [];
    const isInside =
      low === undefined || high === undefined ? null : low <= tokens && tokens <= high;
    const { lengths } = this.#windowOf(model);
    push(lengths, { predicted: remainingMedian, tokens, isInside }, this.#casesMax);
  }

  #windowOf(model: string): ModelWindow {
    const window = this.#windows.get(model) ?? { lengths: [], scores: [] };
    this.#windows.set(model, window);
    return window;
  }
}

function push<T>(window: T[], each: T, entriesMax: number): void {
  if (window.length >= entriesMax) window.shift();
  window.push(each);
}

function saidBefore(stages: readonly Said[], { stage, pool }: StageFacts): Said | undefined {
  return stages.find((each) => each.stage === stage && each.pool === pool);
}
