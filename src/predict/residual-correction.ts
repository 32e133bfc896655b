import type { Estimate } from "../core/types.ts";
import { ConfidenceOffset } from "./confidence-offset.ts";
import { level, type GroupTraits, type Level } from "./ladder.ts";
import type { StageFacts, StageSeen, WorkflowSeen } from "./port.ts";
import { RecentMap } from "./recent-map.ts";
import { MedianTrack, RatioTrack, type ShiftTrack } from "./shift-track.ts";

export interface ResidualCorrectionOptions {
  /** Groups kept; 4,096 unless set. A group takes about 300 bytes. */
  readonly groupsMax?: number;
  /** Cases that a group remembers as they fade; 128 workflows unless set. */
  readonly casesMax?: number;
  /** Unfinished workflows whose predictions are remembered; 4,096 unless set. */
  readonly openWorkflowsMax?: number;
}

/** One group: stages known at once, and what was left of their workflows, known when these end. */
interface Group {
  readonly stage: ShiftTrack;
  readonly remainingMedian: ShiftTrack;
  readonly remainingMean: ShiftTrack;
  /** The first model that was seen, and whether there was another. */
  readonly model: string;
  isOfSeveral: boolean;
}
type Track = "stage" | "remainingMedian" | "remainingMean";

/** What was predicted of one stage, uncorrected: one per candidate, then only of the model that served. */
type OpenStages = Map<string, readonly Estimate[]>;

/**
 * Coarse to fine; a new model, kind or template is told apart as soon as its own level has cases. What
 * was seen of a kind speaks for models without cases of their own only where several models showed it.
 */
const LEVELS: readonly Level[] = [
  level(["kind"]),
  level(["model"]),
  level(["kind", "model"]),
  level(["kind", "role", "model"]),
  level(["kind", "role", "stage", "model"]),
];
/** Workflows at which a group's own shift weighs as much as that of the coarser ones. */
const TRUST_WORKFLOWS = 4;
/** A shift within so many standard errors of the coarser one counts as chance. */
const CHANCE_ERRORS = 2;
/** ln of the largest factor by which a prediction is corrected: 16. */
const SHIFT_MAX = Math.log(16);
/** Stages of one workflow whose predictions are remembered, the first ones. */
const OPEN_STAGES_MAX = 256;

/**
 * Follows how far a trained forest and router are off while they serve, and corrects what they say: by
 * group, finer groups leaning on coarser ones as far as they have few cases or differ by no more than
 * chance, so that a model that is right is left alone. Estimates of other sources pass untouched: they
 * learn by themselves. Deterministic; memory is bounded.
 *
 * What was left of a workflow is known when it ends, so that the first ones known of a new group are
 * short ones. Until enough have ended, the shift of single stages, known at once, is what remaining
 * lengths start from. A workflow counts once, whatever its number of stages.
 */
export class ResidualCorrection {
  readonly #casesMax: number;
  readonly #groupsMax: number;
  readonly #openMax: number;
  #groups: RecentMap<Group>;
  #offsets: ConfidenceOffset;
  #open: RecentMap<OpenStages>;

  constructor(options: ResidualCorrectionOptions = {}) {
    const { groupsMax = 4096, casesMax = 128, openWorkflowsMax = 4096 } = options;
    this.#casesMax = casesMax;
    this.#groupsMax = groupsMax;
    this.#openMax = openWorkflowsMax;
    this.#groups = new RecentMap(groupsMax);
    this.#offsets = new ConfidenceOffset(groupsMax);
    this.#open = new RecentMap(openWorkflowsMax);
  }

  /** Groups of lengths, and unfinished workflows, that are kept now. */
  get size(): { readonly groups: number; readonly openWorkflows: number } {
    return { groups: this.#groups.size, openWorkflows: this.#open.size };
  }

  /** Other model files are in use: what was seen of the old ones says nothing of them. */
  reset(): void {
    this.#groups = new RecentMap(this.#groupsMax);
    this.#offsets = new ConfidenceOffset(this.#groupsMax);
    this.#open = new RecentMap(this.#openMax);
  }

  /** The estimates as they should have been made; what was said is remembered until the stage ends. */
  correct(facts: StageFacts, said: readonly Estimate[]): Estimate[] {
    if (!said.some(isLearned)) return [...said];
    this.#remember(facts, said);
    return said.map((estimate) => {
      const lengths = saysLengths(estimate) ? this.#correctedLengths(facts, estimate) : estimate;
      if (!saysConfidence(estimate)) return lengths;
      const { kind } = facts;
      const confidence = this.#offsets.corrected(kind, estimate.model, estimate.confidence);
      return { ...lengths, confidence };
    });
  }

  /** A stage that did not complete says nothing about its length. */
  stageEnded({ facts, model, outcome, outputTokens }: StageSeen): void {
    const stages = this.#open.get(facts.workflowId);
    const said = stages?.get(stageKey(facts))?.find((each) => each.model === model);
    if (stages === undefined || said === undefined) return;
    stages.set(stageKey(facts), [said]);
    if (outcome !== "completed" || !saysLengths(said)) return;
    this.#add({ facts, model, track: "stage" }, said.stageTokens, {
      tokens: outputTokens,
      weight: 1,
    });
  }

  /** As `ColdStart` credits lengths: where the workflow moved to another model, what was left is nobody's. */
  workflowEnded({ kind, stages, score }: WorkflowSeen): void {
    const workflowId = stages[0]?.facts.workflowId;
    const open = workflowId === undefined ? undefined : this.#open.take(workflowId);
    if (open === undefined) return;
    const models = new Map<string, string | null>();
    const weight = 1 / stages.length;
    let tokens = 0;
    for (const { facts, model, outputTokens } of stages.toReversed()) {
      const known = models.get(facts.pool);
      const only = known === undefined || known === model ? model : null;
      models.set(facts.pool, only);
      tokens += outputTokens;
      const said = open.get(stageKey(facts))?.find((each) => each.model === model);
      if (said === undefined) continue;
      if (only !== null && saysLengths(said)) {
        const seen = { tokens, weight };
        this.#add({ facts, model, track: "remainingMean" }, said.remainingMean, seen);
        this.#add({ facts, model, track: "remainingMedian" }, said.remainingMedian, seen);
      }
      if (score === null || !saysConfidence(said)) continue;
      this.#offsets.add(kind, model, { confidence: said.confidence, score, weight });
    }
  }

  #remember(facts: StageFacts, said: readonly Estimate[]): void {
    const { workflowId } = facts;
    const stages = this.#open.get(workflowId) ?? new Map<string, readonly Estimate[]>();
    const key = stageKey(facts);
    if (stages.size < OPEN_STAGES_MAX || stages.has(key)) stages.set(key, said);
    this.#open.set(workflowId, stages);
  }

  #correctedLengths(facts: StageFacts, estimate: Estimate): Estimate {
    const { kind, role, stage } = facts;
    const traits = { kind, role, stage, model: estimate.model };
    const ladder = LEVELS.map(({ byModel, keyOf }) => {
      const group = this.#groups.get(keyOf(traits));
      return byModel || group?.isOfSeveral === true ? group : undefined;
    });
    const ofStage = shiftOf(ladder, "stage", 0);
    const factor = (track: Track): number => Math.exp(shiftOf(ladder, track, ofStage));
    const { remainingRange: range } = estimate;
    const ofMedian = factor("remainingMedian");
    const limit = facts.outputTokensMax ?? Number.POSITIVE_INFINITY;
    return {
      ...estimate,
      remainingMean: Math.max(1, estimate.remainingMean * factor("remainingMean")),
      remainingMedian: Math.max(1, estimate.remainingMedian * ofMedian),
      ...(range === undefined
        ? {}
        : { remainingRange: [range[0] * ofMedian, range[1] * ofMedian] }),
      stageTokens: Math.min(Math.max(1, estimate.stageTokens * Math.exp(ofStage)), limit),
    };
  }

  #add(
    {
      facts,
      model,
      track,
    }: { readonly facts: StageFacts; readonly model: string; readonly track: Track },
    predictedTokens: number,
    { tokens, weight }: { readonly tokens: number; readonly weight: number },
  ): void {
    const { kind, role, stage } = facts;
    const traits: GroupTraits = { kind, role, stage, model };
    for (const { keyOf } of LEVELS) {
      const key = keyOf(traits);
      const group = this.#groups.get(key) ?? this.#createGroup(model);
      if (group.model !== model) group.isOfSeveral = true;
      group[track].add(predictedTokens, tokens, weight);
      this.#groups.set(key, group);
    }
  }

  #createGroup(model: string): Group {
    return {
      model,
      isOfSeveral: false,
      stage: new MedianTrack(this.#casesMax),
      remainingMedian: new MedianTrack(this.#casesMax),
      remainingMean: new RatioTrack(this.#casesMax),
    };
  }
}

/** ln of the factor for one track: coarse to fine, each level taken as far as it has cases and is no chance. */
function shiftOf(ladder: readonly (Group | undefined)[], track: Track, start: number): number {
  let shift = start;
  for (const group of ladder) {
    if (group === undefined) continue;
    const { cases, centre, error } = group[track].shift();
    if (cases === 0) continue;
    const distance = centre - shift;
    const chance = (CHANCE_ERRORS * error) ** 2;
    const beyondChance = Math.max(0, 1 - chance / Math.max(distance * distance, 1e-12));
    shift += ((beyondChance * cases) / (cases + TRUST_WORKFLOWS)) * distance;
  }
  return Math.min(Math.max(shift, -SHIFT_MAX), SHIFT_MAX);
}

function isLearned(estimate: Estimate): boolean {
  return saysLengths(estimate) || saysConfidence(estimate);
}

/** As `withLearned` names its sources. */
function saysLengths({ source }: Estimate): boolean {
  return source.startsWith("forest");
}

function saysConfidence({ source }: Estimate): boolean {
  return source.includes("router") || source.includes("family-rate");
}

function stageKey({ stage, pool }: StageFacts): string {
  return `${stage} ${pool}`;
}
