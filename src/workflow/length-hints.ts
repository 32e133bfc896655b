import { programHints } from "./claim.ts";
import { fieldOf, valueAt } from "./json.ts";
import type { HeaderValues } from "./request-headers.ts";

/** What clients of other products say about lengths and times; malformed values are ignored. */
export interface LengthHints {
  readonly expectedOutputTokens: number | null;
  readonly callsLeft: number | null;
  /** Calls of the whole workflow, where that is said instead of the calls left. */
  readonly callsTotal: number | null;
  /** Wanted time from arrival to the first token. */
  readonly firstTokenMs: number | null;
  /** Wanted time from arrival to the end of the answer. */
  readonly deadlineMs: number | null;
}

/** NeMo Agent Toolkit's words for output lengths, in tokens as it translates them itself. */
const LEVEL_TOKENS: ReadonlyMap<string, number> = new Map([
  ["low", 128],
  ["medium", 512],
  ["high", 2048],
]);

/**
 * Dynamo's `osl`, NeMo's `total_requests`, the program hints of the vLLM router (whose `deadline` is
 * in seconds), and llm-d's targets for the first token and for each further one. The deadline is the
 * stated one; else it follows from both targets and the expected length.
 */
export function readLengthHints(headers: HeaderValues, body: unknown): LengthHints {
  const agent = valueAt(body, ["nvext", "agent_hints"]);
  const program = programHints(body);
  const expectedOutputTokens =
    tokensOf(fieldOf(program, "expected_output_length")) ??
    tokensOf(fieldOf(program, "expected_output_tokens")) ??
    tokensOf(fieldOf(agent, "osl")) ??
    tokensOf(headers.get("x-prefix-osl"));
  const deadlineSeconds =
    amountOf(fieldOf(program, "deadline")) ?? amountOf(fieldOf(program, "deadline_seconds"));
  const firstTokenMs = amountOf(headers.get("x-slo-ttft-ms"));
  const perTokenMs = amountOf(headers.get("x-slo-tpot-ms"));
  return {
    expectedOutputTokens,
    callsLeft: fieldOf(program, "expected_resume") === false ? 0 : null,
    callsTotal:
      wholeOf(fieldOf(agent, "total_requests")) ?? wholeOf(headers.get("x-prefix-total-requests")),
    firstTokenMs,
    deadlineMs:
      deadlineSeconds === null
        ? answerMs(firstTokenMs, perTokenMs, expectedOutputTokens)
        : deadlineSeconds * 1000,
  };
}

function answerMs(
  firstTokenMs: number | null,
  perTokenMs: number | null,
  tokens: number | null,
): number | null {
  if (firstTokenMs === null || perTokenMs === null || tokens === null) return null;
  return firstTokenMs + perTokenMs * Math.max(0, tokens - 1);
}

function tokensOf(value: unknown): number | null {
  const level = typeof value === "string" ? LEVEL_TOKENS.get(value.toLowerCase()) : undefined;
  return level ?? wholeOf(value);
}

const AMOUNT_MAX = 1e9;

function wholeOf(value: unknown): number | null {
  const amount = amountOf(value);
  return amount === null || !Number.isInteger(amount) ? null : amount;
}

function amountOf(value: unknown): number | null {
  const text = typeof value === "string" && /^\d{1,12}(\.\d{1,12})?$/.test(value);
  const amount = text ? Number(value) : value;
  if (typeof amount !== "number" || !(amount >= 0) || amount > AMOUNT_MAX) return null;
  return amount;
}
