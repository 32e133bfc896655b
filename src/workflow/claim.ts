import { isObject, fieldOf, objectOf, valueAt, type JsonObject } from "./json.ts";
import {
  GENERIC_DIALECTS,
  METADATA_HEADER,
  PRODUCT_DIALECTS,
  VENDOR_SESSION_CHARACTERS_MIN,
  isVendorSession,
  type HeaderDialect,
} from "./header-dialects.ts";
import { readId, type HeaderValues } from "./request-headers.ts";

/** What a client says its workflow is, in one dialect. Nothing of it is scoped yet. */
export interface Claim {
  readonly dialect: string;
  readonly id: string;
  readonly parent: string | null;
  readonly role: string | null;
}

/** Characters of JSON text inside a header or a field that are still parsed. */
export const HINT_CHARACTERS_MAX = 16_384;

interface BodyDialect {
  readonly dialect: string;
  readonly path: readonly string[];
  readonly parent?: readonly string[];
}

const BODY_DIALECTS: readonly BodyDialect[] = [
  {
    dialect: "dynamo",
    path: ["nvext", "agent_context", "session_id"],
    parent: ["nvext", "agent_context", "parent_session_id"],
  },
  { dialect: "nemo", path: ["nvext", "agent_hints", "prefix_id"] },
  { dialect: "tensorzero", path: ["tensorzero::episode_id"] },
  { dialect: "vllm", path: ["session_id"] },
  { dialect: "openai", path: ["conversation"] },
  { dialect: "openai", path: ["conversation", "id"] },
];

const METADATA_NAMES = ["workflow_id", "session_id", "conversation_id", "thread_id", "trace_id"];

/** Claude Code hides its session at the end of `metadata.user_id`. */
const CLAUDE_SESSION = /_session_([0-9a-f]{8}-[0-9a-f-]{27})$/i;

/**
 * The first usable claim: typed body hints, product headers, generic headers. Id, parent and role
 * always come from one dialect. `metadata.user_id` is read after the product headers, because those
 * tell a client's agents apart and it does not. `sessionHeader` is a name chosen by the operator.
 */
export function readClaim(
  headers: HeaderValues,
  body: unknown,
  sessionHeader: string | null,
): Claim | null {
  return (
    bodyClaim(body) ??
    operatorClaim(headers, sessionHeader) ??
    dialectClaim(headers, PRODUCT_DIALECTS) ??
    metadataClaim("portkey", objectOf(headers.get(METADATA_HEADER), HINT_CHARACTERS_MAX)) ??
    userClaim(body) ??
    vendorClaim(headers) ??
    dialectClaim(headers, GENERIC_DIALECTS)
  );
}

/** The object in which a client describes its program: `agentic_context`, `agent_hint` or `agent_hints`. */
export function programHints(body: unknown): JsonObject | null {
  return (
    objectOf(valueAt(body, ["vllm_xargs", "agentic_context"]), HINT_CHARACTERS_MAX) ??
    objectOf(fieldOf(body, "agentic_context"), HINT_CHARACTERS_MAX) ??
    objectOf(fieldOf(body, "agent_hint"), HINT_CHARACTERS_MAX) ??
    objectOf(fieldOf(body, "agent_hints"), HINT_CHARACTERS_MAX)
  );
}

function bodyClaim(body: unknown): Claim | null {
  const program = programClaim(programHints(body));
  if (program !== null) return program;
  for (const { dialect, path, parent } of BODY_DIALECTS) {
    const id = readId(valueAt(body, path));
    if (id === null) continue;
    return { dialect, id, parent: parent ? readId(valueAt(body, parent)) : null, role: null };
  }
  return metadataClaim("openai", fieldOf(body, "metadata"));
}

function programClaim(hints: JsonObject | null): Claim | null {
  if (hints === null) return null;
  const session = readId(fieldOf(hints, "task_id")) ?? readId(fieldOf(hints, "session_id"));
  const agent = readId(fieldOf(hints, "agent_id"));
  const named = readId(fieldOf(hints, "program_id")) ?? readId(fieldOf(hints, "workflow_id"));
  const id = named ?? inSession(session, agent);
  if (id === null) return null;
  const parent =
    readId(fieldOf(hints, "parent_program_id")) ??
    readId(fieldOf(hints, "parent_id")) ??
    readId(fieldOf(hints, "parent_session_id")) ??
    parentInSession(
      session,
      named === null ? agent : null,
      readId(fieldOf(hints, "parent_agent_id")),
    );
  return {
    dialect: "agentic-context",
    id,
    parent: parent === id ? null : parent,
    role: readId(fieldOf(hints, "agent_role")) ?? agent,
  };
}

function operatorClaim(headers: HeaderValues, name: string | null): Claim | null {
  if (name === null) return null;
  const id = readId(headers.get(name.toLowerCase()));
  return id === null ? null : { dialect: "configured", id, parent: null, role: null };
}

function dialectClaim(headers: HeaderValues, dialects: readonly HeaderDialect[]): Claim | null {
  for (const dialect of dialects) {
    const session = readId(headers.get(dialect.session));
    const agent = headerId(headers, dialect.agent);
    const id = inSession(session, agent);
    if (id === null) continue;
    const parent =
      headerId(headers, dialect.parent) ??
      parentInSession(session, agent, headerId(headers, dialect.parentAgent));
    return { dialect: dialect.dialect, id, parent: parent === id ? null : parent, role: null };
  }
  return null;
}

function headerId(headers: HeaderValues, name: string | undefined): string | null {
  return name === undefined ? null : readId(headers.get(name));
}

/** A session's lead agent is the session itself. */
function inSession(session: string | null, agent: string | null): string | null {
  if (session === null || agent === null || agent === "lead" || agent === session) return session;
  return readId(agent.startsWith(`${session}:`) ? agent : `${session}:${agent}`);
}

function parentInSession(
  session: string | null,
  agent: string | null,
  parentAgent: string | null,
): string | null {
  if (parentAgent !== null) return inSession(session, parentAgent);
  return agent === null || agent === "lead" || agent === session ? null : session;
}

function metadataClaim(dialect: string, metadata: unknown): Claim | null {
  for (const name of METADATA_NAMES) {
    const id = readId(fieldOf(metadata, name));
    if (id !== null) return { dialect: `${dialect}-metadata`, id, parent: null, role: null };
  }
  return null;
}

function userClaim(body: unknown): Claim | null {
  const user = valueAt(body, ["metadata", "user_id"]);
  if (typeof user !== "string" || user.length > HINT_CHARACTERS_MAX) return null;
  const session = CLAUDE_SESSION.exec(user)?.[1] ?? fieldOf(jsonObject(user), "session_id");
  const id = readId(session);
  return id === null ? null : { dialect: "claude-code-user", id, parent: null, role: null };
}

function jsonObject(text: string): JsonObject | null {
  return text.startsWith("{") ? objectOf(text, HINT_CHARACTERS_MAX) : null;
}

/** The smallest name wins, so that the order of the headers does not matter. */
function vendorClaim(headers: HeaderValues): Claim | null {
  const names: string[] = [];
  for (const name of headers.keys()) if (isVendorSession(name)) names.push(name);
  for (const name of names.sort()) {
    const id = readId(headers.get(name));
    if (id !== null && id.length >= VENDOR_SESSION_CHARACTERS_MIN) {
      return { dialect: "vendor", id, parent: null, role: null };
    }
  }
  return null;
}

/** Fields that name a user or a cache, not a chain: two chains that differ in them are never one. */
export function groupHints(body: unknown): readonly string[] {
  return [
    fieldOf(body, "user"),
    fieldOf(body, "safety_identifier"),
    fieldOf(body, "prompt_cache_key"),
    valueAt(body, ["metadata", "user_id"]),
  ].map((value) => (typeof value === "string" ? value : isObject(value) ? "object" : ""));
}
