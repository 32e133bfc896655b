export type EngineKind =
  | "vllm"
  | "sglang"
  | "llama.cpp"
  | "ollama"
  | "tgi"
  | "transformers"
  | "openai";

export const ENGINE_KINDS: readonly EngineKind[] = [
  "vllm",
  "sglang",
  "llama.cpp",
  "ollama",
  "tgi",
  "transformers",
  "openai",
];

export interface EngineTimeouts {
  /** TCP and TLS. */
  readonly connectMs: number;
  /** From the request's last byte to the headers, and from the headers to the first byte of the body if that is longer than idleMs: some kinds send headers at once, others with the first token. */
  readonly headersMs: number;
  /** Silence between two chunks of the body. */
  readonly idleMs: number;
  /** From open to end. */
  readonly totalMs: number;
}

/** Whose `priority` field an engine is configured to honour: vllm, smaller is sooner; sglang, larger is sooner; none must be sent. */
export type EnginePriority = "none" | "vllm" | "sglang";

/** One serving process and how to speak to it. */
export interface EngineEndpoint {
  readonly name: string;
  /** Server root or API base: with or without `/v1`. */
  readonly url: string;
  readonly kind: EngineKind;
  /** The model's name on that engine. */
  readonly upstreamModel: string;
  readonly apiKey: string | null;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: EngineTimeouts;
  readonly priority: EnginePriority;
}

/** What a kind needs and how it behaves; read from its source or seen on the wire. */
export interface EngineTraits {
  /** A good stream ends with `data: [DONE]`. */
  readonly sendsDone: boolean;
  /** `stream_options.include_usage` must be sent for usage to come. */
  readonly usageMustBeAsked: boolean;
  /** Body fields it does not know are ignored, not refused. */
  readonly takesUnknownFields: boolean;
  /** `n` yields n choices; elsewhere it is ignored and one comes. */
  readonly honoursChoices: boolean;
  /** Some version ignores `max_completion_tokens` and runs on: the limit must be sent as `max_tokens`. */
  readonly needsMaxTokens: boolean;
  /** The `priority` that its configuration may switch on. */
  readonly priority: EnginePriority;
  /** Request headers, in lower case, that must not reach it. */
  readonly neverForward: readonly string[];
  /** Headers come when the request starts to run, not while it waits inside. */
  readonly headersMeanAdmission: boolean;
  /** Requests beyond its limit that it may be given: 1 where one that waits inside is dropped at once when its client leaves. */
  readonly overCommit: 0 | 1;
  /** Aborted requests may go on inside, so their tokens stay on the books until its running count confirms the abort. */
  readonly abortMustBeConfirmed: boolean;
  /** Statuses by which it says "full"; they are no sign of illness. */
  readonly fullStatuses: readonly number[];
  /** Answers 200 when alive. */
  readonly healthPath: string;
  /** Prometheus text, or null where there is none. */
  readonly metricsPath: string | null;
}

/** Session headers; llama.cpp lets a stream outlive its client for some of them. */
const SESSION_HEADERS: readonly string[] = [
  "x-conversation-id",
  "x-session-id",
  "session-id",
  "session_id",
  "thread-id",
  "x-session-affinity",
  "x-parent-session-id",
];

/** What every kind shares unless its entry says otherwise. */
const COMMON: EngineTraits = {
  sendsDone: true,
  usageMustBeAsked: true,
  takesUnknownFields: true,
  honoursChoices: true,
  needsMaxTokens: false,
  priority: "none",
  neverForward: [],
  headersMeanAdmission: false,
  overCommit: 0,
  abortMustBeConfirmed: false,
  fullStatuses: [503],
  healthPath: "/health",
  metricsPath: "/metrics",
};

const TRAITS: Readonly<Record<EngineKind, EngineTraits>> = {
  vllm: { ...COMMON, priority: "vllm", overCommit: 1 },
  sglang: { ...COMMON, priority: "sglang", overCommit: 1, abortMustBeConfirmed: true },
  // Its 503 means that the model is loading. One that waits inside is dropped only when its turn comes.
  "llama.cpp": {
    ...COMMON,
    needsMaxTokens: true,
    neverForward: SESSION_HEADERS,
    headersMeanAdmission: true,
    fullStatuses: [],
  },
  ollama: {
    ...COMMON,
    honoursChoices: false,
    needsMaxTokens: true,
    headersMeanAdmission: true,
    healthPath: "/api/version",
    metricsPath: null,
  },
  tgi: { ...COMMON, honoursChoices: false, needsMaxTokens: true, fullStatuses: [429] },
  transformers: {
    ...COMMON,
    sendsDone: false,
    usageMustBeAsked: false,
    takesUnknownFields: false,
    honoursChoices: false,
    needsMaxTokens: true,
    fullStatuses: [],
    metricsPath: null,
  },
  openai: {
    ...COMMON,
    fullStatuses: [429, 503],
    healthPath: "/v1/models",
    metricsPath: null,
  },
};

export function engineTraits(kind: EngineKind): EngineTraits {
  return TRAITS[kind];
}

export interface EngineAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path of the server root, without a closing slash; often empty. */
  readonly rootPath: string;
  /** Path of the OpenAI API, without a closing slash; often `/v1`. */
  readonly apiPath: string;
}

/**
 * Where an engine's root and API are. A URL whose path names a version (`/v1`, `/v1beta/openai`)
 * is the API base; any other is the root, and the API is `/v1` below it. Throws on a URL that is
 * not http or https.
 */
export function engineAddress(url: string): EngineAddress {
  const parsed = new URL(url);
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new TypeError("an engine's url must be http or https");
  }
  const path = parsed.pathname.replace(/\/+$/, "");
  const version = /\/v\d[^/]*(?=\/|$)/.exec(path);
  if (version === null) {
    return { origin: parsed.origin, rootPath: path, apiPath: `${path}/v1` };
  }
  return { origin: parsed.origin, rootPath: path.slice(0, version.index), apiPath: path };
}

/** Steps of the scheduler's key that an integer priority keeps apart. */
const PRIORITY_STEPS_PER_UNIT = 1000;
const PRIORITY_MAX = 2 ** 31 - 1;

/**
 * The scheduler's key (smaller is sooner) as the integer that an engine's `priority` field takes,
 * or null where none may be sent.
 */
export function enginePriority(priority: EnginePriority, key: number): number | null {
  if (priority === "none" || Number.isNaN(key)) return null;
  const scaled = Math.round(key * PRIORITY_STEPS_PER_UNIT);
  const bounded = Math.min(PRIORITY_MAX, Math.max(-PRIORITY_MAX, scaled));
  return priority === "vllm" ? bounded : 0 - bounded;
}
