import { sigmoid } from "../learn/classifier.ts";
import { level, type Level } from "./ladder.ts";
import { RecentMap } from "./recent-map.ts";

/** How far a router's logits are off for a group, and the information behind it. */
interface Offset {
  readonly logits: number;
  readonly information: number;
}

/** Coarse to fine: each level learns what those before it leave. */
const LEVELS: readonly Level[] = [level(["model"]), level(["kind", "model"])];
/** Information of ten outcomes at even odds: so many weigh as much as the router itself. */
const PRIOR_INFORMATION = 2.5;
/** Information of five hundred: beyond it older outcomes fade. */
const INFORMATION_MAX = 125;
const OFFSET_LOGITS_MAX = 2;
const CONFIDENCE_MIN = 1e-3;

/**
 * Follows how far a router's confidence is off for each model, and for each kind of workflow on it, in
 * logits: one Newton step of a logistic regression with a normal prior per outcome. Bounded in size
 * and in effect.
 */
export class ConfidenceOffset {
  readonly #offsets: RecentMap<Offset>;

  /** @param groupsMax groups kept; the one longest without an outcome leaves */
  constructor(groupsMax: number) {
    this.#offsets = new RecentMap(groupsMax);
  }

  get size(): number {
    return this.#offsets.size;
  }

  /** The confidence with all that is known of its groups, within (0, 1). */
  corrected(kind: string, model: string, confidence: number): number {
    let logits = logitOf(confidence);
    const before = logits;
    for (const key of keysOf(kind, model)) logits += this.#offsets.get(key)?.logits ?? 0;
    return logits === before ? confidence : sigmoid(logits);
  }

  /**
   * @param confidence what the router said, uncorrected
   * @param score 0..1
   * @param weight the model's share in the workflow, 0..1
   */
  add(kind: string, model: string, seen: SeenScore): void {
    const { confidence, score, weight } = seen;
    let logits = logitOf(confidence);
    for (const key of keysOf(kind, model)) {
      const known = this.#offsets.get(key) ?? { logits: 0, information: 0 };
      const expected = sigmoid(logits + known.logits);
      const information = Math.min(
        known.information + weight * expected * (1 - expected),
        INFORMATION_MAX,
      );
      const step = (weight * (score - expected)) / (information + PRIOR_INFORMATION);
      const moved = held(known.logits + step, OFFSET_LOGITS_MAX);
      this.#offsets.set(key, { logits: moved, information });
      logits += moved;
    }
  }
}

export interface SeenScore {
  readonly confidence: number;
  readonly score: number;
  readonly weight: number;
}

function keysOf(kind: string, model: string): string[] {
  return LEVELS.map(({ keyOf }) => keyOf({ kind, model, role: null, stage: 0 }));
}

function logitOf(confidence: number): number {
  const inside = Math.min(Math.max(confidence, CONFIDENCE_MIN), 1 - CONFIDENCE_MIN);
  return Math.log(inside / (1 - inside));
}

function held(value: number, limit: number): number {
  return Math.min(Math.max(value, -limit), limit);
}
