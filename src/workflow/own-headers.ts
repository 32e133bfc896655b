import type { Knobs } from "../core/types.ts";
import { readId, type HeaderValues } from "./request-headers.ts";

/** What our own headers say. They are ours, so a malformed number is the client's mistake. */
export interface OwnHeaders {
  readonly workflowId: string | null;
  readonly parentWorkflowId: string | null;
  readonly kind: string | null;
  readonly role: string | null;
  readonly stage: number | null;
  readonly expectedOutputTokens: number | null;
  readonly callsLeft: number | null;
  /** The request is of no use unless an engine begins with it within so long. */
  readonly startWithinMs: number | null;
  readonly final: boolean | null;
  readonly knobs: Knobs | null;
}

/** A message for the client: which header, and what it may hold. */
export interface HeaderProblem {
  readonly problem: string;
}

const STAGE_MAX = 1_000_000;
const TOKENS_MAX = 100_000_000;
const CALLS_MAX = 1_000_000;
const KNOB_MAX = 1_000_000;
const WAIT_MS_MAX = 86_400_000;

/** Reads the `x-chimera-*` headers. `x-chimera-class` is read with the other dialects of priority. */
export function readOwnHeaders(headers: HeaderValues): OwnHeaders | HeaderProblem {
  const problems: string[] = [];
  const whole = (name: string, max: number): number | null =>
    readNumber(headers, { name, pattern: /^\d{1,15}$/, max, what: "a whole number" }, problems);
  const decimal = (name: string, max: number): number | null =>
    readNumber(headers, { name, pattern: DECIMAL, max, what: "a number" }, problems);
  const own: OwnHeaders = {
    workflowId: readId(headers.get("x-chimera-workflow-id")),
    parentWorkflowId: readId(headers.get("x-chimera-parent-workflow-id")),
    kind: readId(headers.get("x-chimera-workflow-kind")),
    role: readId(headers.get("x-chimera-role")),
    stage: whole("x-chimera-stage", STAGE_MAX),
    expectedOutputTokens: whole("x-chimera-expected-tokens", TOKENS_MAX),
    callsLeft: whole("x-chimera-calls-left", CALLS_MAX),
    startWithinMs: whole("x-chimera-start-within-ms", WAIT_MS_MAX),
    final: readBoolean(headers, "x-chimera-workflow-final", problems),
    knobs: knobsOf(
      decimal("x-chimera-price", KNOB_MAX),
      decimal("x-chimera-slack", KNOB_MAX),
      decimal("x-chimera-min-gain", 1),
    ),
  };
  const problem = problems[0];
  return problem === undefined ? own : { problem };
}

/** As JavaScript and Python write numbers: `0.3333333333333333`, `5e-324`. */
const DECIMAL = /^\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i;

interface NumberRule {
  readonly name: string;
  readonly pattern: RegExp;
  readonly max: number;
  readonly what: string;
}

function readNumber(headers: HeaderValues, rule: NumberRule, problems: string[]): number | null {
  const text = headers.get(rule.name);
  if (text === undefined) return null;
  const value = rule.pattern.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= rule.max) return value;
  problems.push(`${rule.name} must be ${rule.what} from 0 to ${rule.max}`);
  return null;
}

function readBoolean(headers: HeaderValues, name: string, problems: string[]): boolean | null {
  const text = headers.get(name)?.toLowerCase();
  if (text === undefined) return null;
  if (text === "true" || text === "1") return true;
  if (text !== "false" && text !== "0") problems.push(`${name} must be true or false`);
  return false;
}

function knobsOf(price: number | null, slack: number | null, minGain: number | null): Knobs | null {
  if (price === null && slack === null && minGain === null) return null;
  return {
    ...(price === null ? {} : { price }),
    ...(slack === null ? {} : { slack }),
    ...(minGain === null ? {} : { minGain }),
  };
}
