/** How one product names its sessions in headers; all names in lower case. */
export interface HeaderDialect {
  readonly dialect: string;
  /** Holds the id of the session. */
  readonly session: string;
  /** Holds the session that started this one. */
  readonly parent?: string;
  /** Holds an agent or thread inside the session: a chain of its own, whose parent is the session. */
  readonly agent?: string;
  /** Holds the agent that started this agent. */
  readonly parentAgent?: string;
}

/** The product's own header names; the first that holds a usable id counts. */
export const PRODUCT_DIALECTS: readonly HeaderDialect[] = [
  { dialect: "dynamo", session: "x-dynamo-session-id", parent: "x-dynamo-parent-session-id" },
  {
    dialect: "claude-code",
    session: "x-claude-code-session-id",
    agent: "x-claude-code-agent-id",
    parentAgent: "x-claude-code-parent-agent-id",
  },
  { dialect: "codex", session: "session-id", agent: "thread-id" },
  { dialect: "codex", session: "session_id", agent: "thread-id" },
  { dialect: "codex", session: "thread-id" },
  { dialect: "opencode", session: "x-session-affinity", parent: "x-parent-session-id" },
  { dialect: "qwen-code", session: "x-qwen-code-session-id" },
  { dialect: "amp", session: "x-amp-thread-id" },
  { dialect: "bifrost", session: "x-bf-session-id" },
  { dialect: "smg", session: "x-smg-routing-key" },
  { dialect: "aibrix", session: "x-aibrix-session-key" },
  { dialect: "envoy", session: "agent-session-id" },
  { dialect: "portkey", session: "x-portkey-trace-id" },
  { dialect: "nemo", session: "x-prefix-id" },
  { dialect: "llm-d", session: "x-llm-d-inference-fairness-id" },
  { dialect: "llm-d", session: "x-gateway-inference-fairness-id" },
  { dialect: "litellm", session: "x-litellm-trace-id" },
  { dialect: "litellm", session: "x-litellm-session-id" },
];

/** Names that many products share. The last two may name a request or a server, so they come last. */
export const GENERIC_DIALECTS: readonly HeaderDialect[] = [
  { dialect: "session", session: "x-session-id", parent: "x-parent-session-id" },
  { dialect: "conversation", session: "x-conversation-id" },
  { dialect: "pi", session: "x-client-request-id" },
  { dialect: "llm-d", session: "x-session-token" },
];

const KNOWN_HEADERS: ReadonlySet<string> = new Set(
  [...PRODUCT_DIALECTS, ...GENERIC_DIALECTS].map((dialect) => dialect.session),
);

const VENDOR_SESSION = /^x-(?!.*parent)[a-z0-9-]+-session-id$/;

/** LiteLLM takes the session header of any vendor, if its id has this many characters. */
export const VENDOR_SESSION_CHARACTERS_MIN = 8;

/** Whether a header looks like the session of a vendor that has no row above. */
export function isVendorSession(name: string): boolean {
  if (!name.endsWith("-session-id")) return false;
  return VENDOR_SESSION.test(name) && !KNOWN_HEADERS.has(name);
}

/** Metadata of Portkey: a JSON object in a header, read like the body's `metadata`. */
export const METADATA_HEADER = "x-portkey-metadata";

/** Names of a request, best known first. */
export const REQUEST_ID_HEADERS: readonly string[] = [
  "x-request-id",
  "x-correlation-id",
  "x-trace-id",
  "request-id",
];
