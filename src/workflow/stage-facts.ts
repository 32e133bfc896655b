import { fieldOf } from "./json.ts";
import type { Identity } from "./identity.ts";
import type { Prompt, PromptMessage } from "./prompt.ts";
import type { Arrival } from "./sessions.ts";
import { countPromptTokens } from "./token-count.ts";

/** The text of a stage, cut to the driver's bound. */
export interface WorkflowText {
  readonly system: string;
  /** The first user message: the task. */
  readonly user: string;
  /** The newest messages after the task, oldest first. */
  readonly recent: readonly { readonly role: string; readonly content: string }[];
}

/** What is known of a stage before it starts, as a predictor reads it. */
export interface WorkflowFacts {
  readonly workflowId: string;
  readonly kind: string;
  readonly role: string | null;
  readonly stage: number;
  /** The name the client asked for. */
  readonly pool: string;
  readonly promptTokens: number;
  readonly systemTokens: number;
  /** Of the first user message. */
  readonly userTokens: number;
  readonly outputTokensMax: number | null;
  readonly expectedOutputTokens: number | null;
  /** Calls after this one. */
  readonly callsLeft: number | null;
  readonly producedTokens: readonly number[];
  readonly text: WorkflowText | null;
}

export interface StageRequest {
  readonly identity: Identity;
  readonly arrival: Arrival;
  readonly prompt: Prompt;
  readonly body: unknown;
  readonly pool: string;
}

/**
 * Builds the facts of a stage. Each of system text, task and recent messages together is kept up to
 * `textCharactersMax` characters; 0 keeps no text. Token counts are those of a large vocabulary.
 */
export function workflowFacts(request: StageRequest, textCharactersMax: number): WorkflowFacts {
  const { identity, arrival, prompt } = request;
  const { promptTokens, systemTokens, userTokens } = countPromptTokens(prompt);
  return {
    workflowId: arrival.workflowId,
    kind: identity.kind,
    role: identity.role,
    stage: arrival.stage,
    pool: request.pool,
    promptTokens,
    systemTokens,
    userTokens,
    outputTokensMax: outputTokensMax(request.body),
    expectedOutputTokens: identity.expectedOutputTokens,
    callsLeft: callsLeft(identity, arrival.stage),
    producedTokens: arrival.producedTokens,
    text: textCharactersMax > 0 ? textOf(prompt, textCharactersMax) : null,
  };
}

/** The client's limit on output tokens, under any of its names; null where it states none. */
export function outputTokensMax(body: unknown): number | null {
  for (const name of ["max_completion_tokens", "max_tokens", "max_output_tokens"]) {
    const limit = fieldOf(body, name);
    if (typeof limit === "number" && Number.isSafeInteger(limit) && limit > 0) return limit;
  }
  return null;
}

function callsLeft(identity: Identity, stage: number): number | null {
  if (identity.callsLeft !== null) return identity.callsLeft;
  return identity.callsTotal === null ? null : Math.max(0, identity.callsTotal - 1 - stage);
}

function textOf(prompt: Prompt, charactersMax: number): WorkflowText {
  const afterTask = prompt.task === null ? 0 : prompt.messages.indexOf(prompt.task) + 1;
  return {
    system: prompt.system.slice(0, charactersMax),
    user: (prompt.task?.text ?? "").slice(0, charactersMax),
    recent: newest(prompt.messages.slice(afterTask), charactersMax),
  };
}

/** As many of the newest messages as the bound takes; the oldest of them is cut at its end. */
function newest(
  messages: readonly PromptMessage[],
  charactersMax: number,
): { readonly role: string; readonly content: string }[] {
  const kept: { role: string; content: string }[] = [];
  let left = charactersMax;
  for (const { role, text } of messages.toReversed()) {
    if (left <= 0) break;
    kept.push({ role, content: text.slice(0, left) });
    left -= text.length;
  }
  return kept.toReversed();
}
