import { createHash } from "node:crypto";
import type { Knobs, PriorityClass } from "../core/types.ts";
import { groupHints, readClaim, type Claim } from "./claim.ts";
import { REQUEST_ID_HEADERS } from "./header-dialects.ts";
import { valueAt } from "./json.ts";
import { readLengthHints } from "./length-hints.ts";
import { readOwnHeaders, type HeaderProblem, type OwnHeaders } from "./own-headers.ts";
import { readClass, type Objectives } from "./priority-class.ts";
import type { Prompt } from "./prompt.ts";
import { readHeaders, readId, type HeaderValues, type RequestHeaders } from "./request-headers.ts";
import { templateKind } from "./template-kind.ts";

/** Who sends a request and what the client says about it. Plain data. */
export interface Identity {
  /** Scoped by API key; null where no dialect names one. */
  readonly workflowId: string | null;
  readonly parentWorkflowId: string | null;
  /** Which dialect named it: "chimera", "dynamo", "claude-code", ...; "none" where none did. */
  readonly source: string;
  /** Prefix of every workflow id of this API key. */
  readonly scope: string;
  /** Texts that the fingerprints of one conversation have in common (user, cache key). */
  readonly group: readonly string[];
  /** Named by the client, else a fingerprint of the template, else "unknown". */
  readonly kind: string;
  readonly role: string | null;
  readonly stage: number | null;
  /** The workflow ends with this request. */
  readonly final: boolean;
  readonly class: PriorityClass;
  readonly expectedOutputTokens: number | null;
  readonly callsLeft: number | null;
  /** Calls of the whole workflow, where that is said instead. */
  readonly callsTotal: number | null;
  /** Wanted times from arrival to the first token and to the end of the answer. */
  readonly firstTokenMs: number | null;
  readonly deadlineMs: number | null;
  /** The request is of no use unless an engine begins with it within so long. */
  readonly startWithinMs: number | null;
  readonly knobs: Knobs | null;
  readonly requestId: string | null;
}

export interface IdentityRequest {
  readonly headers: RequestHeaders;
  /** The parsed JSON body. */
  readonly body: unknown;
  readonly prompt: Prompt;
  /** What stands for the API key: two keys never share a workflow. */
  readonly keyScope: string;
}

export interface IdentityOptions {
  /** A header that the operator declared to hold the session, or null. */
  readonly sessionHeader: string | null;
  readonly objectives: Objectives;
}

const NO_OPTIONS: IdentityOptions = { sessionHeader: null, objectives: new Map() };

/**
 * Reads every accepted dialect, in this order: our own headers, typed body hints, product headers,
 * generic headers. Each fact is taken from the first dialect that states it; id and parent come
 * from the same one. Ids above 255 characters or with control characters count as none. Malformed
 * hints of others are ignored, malformed values of our own headers come back as a problem for the
 * client. Never throws.
 *
 * `previous_response_id` is not an id here: it names one answer, and changes with each stage.
 */
export function identify(
  request: IdentityRequest,
  options: IdentityOptions = NO_OPTIONS,
): Identity | HeaderProblem {
  const headers = readHeaders(request.headers);
  const own = readOwnHeaders(headers);
  if ("problem" in own) return own;
  const claim = readClaim(headers, request.body, options.sessionHeader);
  const lengths = readLengthHints(headers, request.body);
  const scope = keyPrefix(request.keyScope);
  const { id, parent, source } = nameOf(own, claim);
  return {
    workflowId: scoped(scope, id),
    parentWorkflowId: scoped(scope, parent),
    source,
    scope,
    group: groupHints(request.body),
    kind: own.kind ?? templateKind(request.prompt) ?? "unknown",
    role: own.role ?? claim?.role ?? null,
    stage: own.stage,
    final: own.final ?? saysFinal(headers, request.body),
    class: readClass(headers, request.body, options.objectives),
    expectedOutputTokens: own.expectedOutputTokens ?? lengths.expectedOutputTokens,
    callsLeft: own.callsLeft ?? lengths.callsLeft,
    callsTotal: own.callsLeft === null ? lengths.callsTotal : null,
    firstTokenMs: lengths.firstTokenMs,
    deadlineMs: lengths.deadlineMs,
    startWithinMs: own.startWithinMs,
    knobs: own.knobs,
    requestId: requestIdOf(headers),
  };
}

/** Our own id comes with our own parent; a parent alone may stand beside another dialect's id. */
function nameOf(
  own: OwnHeaders,
  claim: Claim | null,
): { readonly id: string | null; readonly parent: string | null; readonly source: string } {
  if (own.workflowId !== null) {
    return { id: own.workflowId, parent: own.parentWorkflowId, source: "chimera" };
  }
  if (claim === null) return { id: null, parent: own.parentWorkflowId, source: "none" };
  return { id: claim.id, parent: own.parentWorkflowId ?? claim.parent, source: claim.dialect };
}

/** The workflow id of a client's own name for it; for feedback that names a workflow. */
export function scopedWorkflowId(keyScope: string, id: string): string {
  return `${keyPrefix(keyScope)}${id}`;
}

/** The name by which the client knows the workflow: what it may send back as its id. */
export function clientWorkflowId(workflowId: string): string {
  return workflowId.slice(workflowId.indexOf(":") + 1);
}

/** Prefixes that are remembered; what is hashed anew is only slower. */
const PREFIXES_MAX = 1024;
const prefixes = new Map<string, string>();

/** 72 bits of SHA-256 keep the keys apart and do not show the key. */
function keyPrefix(keyScope: string): string {
  const known = prefixes.get(keyScope);
  if (known !== undefined) return known;
  const digest = createHash("sha256").update(keyScope).digest("base64url");
  const prefix = `${digest.slice(0, 12)}:`;
  if (prefixes.size >= PREFIXES_MAX) prefixes.clear();
  prefixes.set(keyScope, prefix);
  return prefix;
}

function scoped(prefix: string, id: string | null): string | null {
  return id === null ? null : `${prefix}${id}`;
}

function saysFinal(headers: HeaderValues, body: unknown): boolean {
  return (
    headers.get("x-dynamo-session-final")?.toLowerCase() === "true" ||
    valueAt(body, ["nvext", "agent_context", "session_final"]) === true
  );
}

/** Request ids go into logs and headers: letters, digits and a few marks only. */
function requestIdOf(headers: HeaderValues): string | null {
  for (const name of REQUEST_ID_HEADERS) {
    const id = readId(headers.get(name));
    if (id !== null && /^[\w.:/+=@-]+$/.test(id)) return id;
  }
  return null;
}
