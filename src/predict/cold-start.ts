import type { Estimate } from "../core/types.ts";
import { parseSnapshot, type ColdStartSnapshot } from "./cold-start-snapshot.ts";
import { Confidence, type ConfidenceOptions } from "./confidence.ts";
import { GroupTable, type Blend } from "./group-table.ts";
import { KIND_AND_MODEL } from "./ladder.ts";
import { withHints } from "./length-hints.ts";
import type { Estimator, Learner, StageFacts, StageSeen, WorkflowSeen } from "./port.ts";
import type { Signals } from "./trend.ts";

export interface ColdStartOptions {
  /** Prior probability of solving a task, by model; .5 where a model is not named. */
  readonly confidence: Readonly<Record<string, number>>;
  /** Groups kept; 4,096 unless set. A group takes up to about 2 KiB. */
  readonly groupsMax?: number;
  /** Newest cases that a group remembers; 128 unless set. */
  readonly casesMax?: number;
}

/** Before anything was seen: the length of a stage, and the stages that a workflow has left. */
const PRIOR_STAGE_TOKENS = 256;
const PRIOR_STAGES_LEFT = 2;
const TRUST_CASES = 12;

/**
 * Useful on the first request, and better with each stage and workflow that ends: medians and means
 * by group, finer groups leaning on coarser ones, moved by the workflow's last output and its prompt.
 * Deterministic; memory is bounded.
 *
 * Remaining lengths are known only when a workflow ends, so that the first ones learned are short
 * ones. Until the long ones have ended, the length of the stage itself, known at once, is the floor.
 */
export class ColdStart implements Estimator, Learner {
  #options: ColdStartOptions;
  #groups: GroupTable;
  #confidence: Confidence;

  constructor(options: ColdStartOptions) {
    this.#options = options;
    this.#groups = this.#createGroups();
    this.#confidence = this.#createConfidence();
  }

  /** Groups that are kept now. */
  get size(): number {
    return this.#groups.size;
  }

  estimate(facts: StageFacts, models: readonly string[]): Estimate[] {
    const signals = signalsOf(facts);
    return models.map((model) => this.#estimateOne(facts, model, signals));
  }

  /** A stage that did not complete says nothing about its length. */
  stageEnded(seen: StageSeen): void {
    if (seen.outcome !== "completed") return;
    this.#groups.add(
      this.#groups.place(seen.facts, seen.model),
      "stage",
      seen.outputTokens,
      signalsOf(seen.facts),
    );
  }

  /**
   * Each stage is credited to its model with what was made from it on. Where a later stage of the
   * same pool moved to another model, the length is nobody's: only groups of all models learn it.
   * Stages of other pools are other agents and belong to the workload. A score is shared out by
   * stages served.
   */
  workflowEnded(seen: WorkflowSeen): void {
    const models = new Map<string, string | null>();
    let remaining = 0;
    for (const stage of seen.stages.toReversed()) {
      const { pool } = stage.facts;
      const known = models.get(pool);
      models.set(pool, known === undefined || known === stage.model ? stage.model : null);
      remaining += stage.outputTokens;
      const place = this.#groups.place(stage.facts, models.get(pool) ?? null);
      this.#groups.add(place, "remaining", remaining, signalsOf(stage.facts));
      if (seen.score === null) continue;
      this.#confidence.add(seen.kind, stage.model, seen.score, 1 / seen.stages.length);
    }
  }

  /** What the scores have said stays. */
  expect(confidence: Readonly<Record<string, number>>): void {
    this.#options = { ...this.#options, confidence };
    const known = this.#confidence.state();
    this.#confidence = this.#createConfidence({ version: 1, groups: [], confidence: known });
  }

  snapshot(): ColdStartSnapshot {
    return { version: 1, groups: this.#groups.states(), confidence: this.#confidence.state() };
  }

  /** Takes the place of all that was learned; false, and nothing changes, where it is no snapshot of this version. */
  restore(json: unknown): boolean {
    const snapshot = parseSnapshot(json);
    if (snapshot === null) return false;
    this.#groups = this.#createGroups(snapshot);
    this.#confidence = this.#createConfidence(snapshot);
    return true;
  }

  #estimateOne(facts: StageFacts, model: string, signals: Signals): Estimate {
    const ladder = this.#groups.ladder(this.#groups.place(facts, model));
    const stage = this.#groups.blend(ladder, "stage", signals, PRIOR_STAGE_TOKENS);
    const prior = stage.median * PRIOR_STAGES_LEFT;
    const remaining = this.#groups.blend(ladder, "remaining", signals, prior);
    const statistics = {
      stageMedian: stage.median,
      stageMean: stage.mean,
      remainingMedian: remaining.median,
      remainingMean: remaining.mean,
    };
    const callTokens = this.#groups.meanStageTokens(ladder, KIND_AND_MODEL, stage.mean);
    const lengths = withHints(statistics, facts, callTokens);
    return {
      model,
      confidence: this.#confidence.of(facts.kind, model),
      remainingMean: lengths.remainingMean,
      remainingMedian: lengths.remainingMedian,
      stageTokens: lengths.stageMedian,
      source: sourceOf(facts, remaining.level === null ? stage : remaining),
    };
  }

  #createGroups(snapshot?: ColdStartSnapshot): GroupTable {
    const { groupsMax = 4096, casesMax = 128 } = this.#options;
    return new GroupTable({ groupsMax, casesMax, trustCases: TRUST_CASES }, snapshot?.groups);
  }

  #createConfidence(snapshot?: ColdStartSnapshot): Confidence {
    const { confidence, groupsMax = 4096 } = this.#options;
    const options: ConfidenceOptions = { priors: confidence, talliesMax: groupsMax };
    return new Confidence(options, snapshot?.confidence);
  }
}

function signalsOf({ producedTokens, promptTokens }: StageFacts): Signals {
  return { last: Math.log1p(producedTokens.at(-1) ?? 0), prompt: Math.log1p(promptTokens) };
}

function sourceOf(facts: StageFacts, { level, cases }: Blend): string {
  const { expectedOutputTokens, callsLeft } = facts;
  if (expectedOutputTokens !== null && callsLeft === 0) return "hint";
  const group = level === null ? "prior" : `${level.name}(n=${cases})`;
  const isHinted = expectedOutputTokens !== null || callsLeft !== null;
  return isHinted ? `hint+cold-start:${group}` : `cold-start:${group}`;
}
