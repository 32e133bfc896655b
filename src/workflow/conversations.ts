import { SEGMENT_CHARACTERS, type ConversationPrefix } from "./conversation-prefix.ts";
import { ExpiringMap, type ExpiryLimits } from "./expiring-map.ts";
import { ScopedIndex } from "./scoped-index.ts";
import { countTokens } from "./token-count.ts";

/** One chain of stages without an id, as its newest request left it. */
interface Conversation {
  readonly workflowId: string;
  readonly scope: string;
  readonly anchor: number | null;
  /** Of the whole newest request; null before the first. */
  digest: number | null;
  segments: number;
  tail: string;
  /** Requests that have not ended. */
  running: number;
  /** Output tokens of the stage that ended last, or null where it failed or none ended yet. */
  outputTokens: number | null;
  failed: boolean;
}

/** What outlives the process of a conversation. */
export type ConversationMemory = Omit<Conversation, "workflowId" | "running" | "digest"> & {
  readonly digest: number;
};

/** Open conversations with one and the same newest request that are kept; beyond, the oldest is forgotten. */
const SAME_REQUEST_MAX = 64;

/**
 * Recognises the next stage of a chain whose client sends no id, by the conversation itself.
 *
 * 1. A request continues the conversation whose newest request is its longest proper prefix, if the
 *    message after that prefix is an answer (role "assistant"; a plain prompt of 256 characters or more
 *    has only to grow).
 *    A conversation whose stage still runs is taken only where no other fits.
 * 2. Among several (same prompt, sent side by side) the one whose last answer was about as long as
 *    the answer in this request, by token count; then the newest. Each conversation is continued by
 *    one request only, because it then has a longer newest request: chains are never merged.
 * 3. The same request again is a repetition if the one before failed. Otherwise, while that one runs,
 *    after it was answered and after it has grown, it is the first stage of a new chain.
 * 4. A request with an answer in it that fits nowhere (trimmed or rewritten history, a branch from an
 *    earlier point) belongs to the one open conversation with the same system prompt and first user
 *    message, if there is exactly one and it is not running. Else it starts a new chain.
 *
 * Everything happens within one scope (API key); a conversation ends by `end`, when it was idle for
 * too long, or when room is needed. Cost: O(segments) a request.
 */
export class Conversations {
  readonly #open: ExpiringMap<Conversation>;
  readonly #byDigest = new ScopedIndex<Conversation>();
  readonly #byAnchor = new ScopedIndex<Conversation>();
  #sequence = 0;

  constructor(limits: ExpiryLimits) {
    this.#open = new ExpiringMap(limits, (conversation) => this.#forget(conversation));
  }

  get size(): number {
    return this.#open.size;
  }

  /** The workflow id of a request that starts now: a known one or a new one. */
  arrive(scope: string, prefix: ConversationPrefix, timeMs: number): string {
    this.#open.expire(timeMs);
    const conversation = this.#find(scope, prefix) ?? this.#create(scope, prefix, timeMs);
    conversation.running += 1;
    conversation.failed = false;
    this.#grow(conversation, prefix);
    this.#open.touch(conversation.workflowId, timeMs);
    return conversation.workflowId;
  }

  /** Null output tokens say that the stage failed. Unknown workflows are ignored. */
  stageEnded(workflowId: string, outputTokens: number | null, timeMs: number): void {
    const conversation = this.#open.touch(workflowId, timeMs);
    if (conversation === undefined) return;
    conversation.running = Math.max(0, conversation.running - 1);
    conversation.failed = outputTokens === null;
    conversation.outputTokens = outputTokens;
  }

  end(workflowId: string): void {
    this.#open.delete(workflowId);
  }

  /** Null where it was not recognised by its conversation, or only by words that must not be kept. */
  memoryOf(workflowId: string): ConversationMemory | null {
    const conversation = this.#open.get(workflowId);
    if (conversation === undefined || conversation.digest === null) return null;
    if (conversation.tail !== "") return null;
    const { workflowId: _id, running: _running, digest, ...memory } = conversation;
    return { ...memory, digest };
  }

  /** A conversation of an earlier process goes on. */
  restore(workflowId: string, memory: ConversationMemory, timeMs: number): void {
    const conversation: Conversation = { ...memory, workflowId, running: 0 };
    const { scope, anchor, digest } = memory;
    this.#open.set(workflowId, conversation, timeMs);
    if (anchor !== null) this.#byAnchor.add(scope, anchor, conversation);
    this.#byDigest.add(scope, digest, conversation);
  }

  #find(scope: string, prefix: ConversationPrefix): Conversation | null {
    for (let segments = prefix.digests.length - 1; segments >= 0; segments -= 1) {
      const same = this.#byDigest.get(scope, prefix.digests[segments] ?? 0);
      if (same.length === 0) continue;
      const fitting = same.filter((conversation) => fits(conversation, prefix, segments));
      const chosen = choose(fitting, prefix, segments);
      if (chosen !== null) return chosen;
    }
    return this.#onlyOneWithAnchor(scope, prefix);
  }

  #onlyOneWithAnchor(scope: string, prefix: ConversationPrefix): Conversation | null {
    const answered = prefix.messages.some((message) => message.role === "assistant");
    if (prefix.anchor === null || !answered) return null;
    const open = this.#byAnchor.get(scope, prefix.anchor);
    const [only] = open;
    if (only === undefined || open.length !== 1 || only.running > 0) return null;
    return only;
  }

  #create(scope: string, prefix: ConversationPrefix, timeMs: number): Conversation {
    this.#sequence += 1;
    const digest = prefix.digests.at(-1) ?? 0;
    const parts = [digest, Math.floor(timeMs), this.#sequence].map((part) => part.toString(36));
    const { anchor } = prefix;
    const conversation: Conversation = {
      workflowId: `${scope}fp-${parts.join("-")}`,
      scope,
      anchor,
      digest: null,
      segments: 0,
      tail: "",
      running: 0,
      outputTokens: null,
      failed: false,
    };
    if (anchor !== null) this.#byAnchor.add(scope, anchor, conversation);
    this.#open.set(conversation.workflowId, conversation, timeMs);
    return conversation;
  }

  /** The request becomes the newest of its conversation. */
  #grow(conversation: Conversation, prefix: ConversationPrefix): void {
    this.#unindex(conversation);
    const digest = prefix.digests.at(-1) ?? 0;
    conversation.digest = digest;
    conversation.segments = prefix.digests.length - 1;
    conversation.tail = prefix.tail;
    const { scope } = conversation;
    if (this.#byDigest.add(scope, digest, conversation) <= SAME_REQUEST_MAX) return;
    const [oldest] = this.#byDigest.get(scope, digest);
    if (oldest !== undefined) this.end(oldest.workflowId);
  }

  #unindex(conversation: Conversation): void {
    const { scope, digest } = conversation;
    if (digest !== null) this.#byDigest.delete(scope, digest, conversation);
  }

  #forget(conversation: Conversation): void {
    const { scope, anchor } = conversation;
    this.#unindex(conversation);
    if (anchor !== null) this.#byAnchor.delete(scope, anchor, conversation);
  }
}

/** Whether the request starts with the conversation's newest request, which has this many segments. */
function fits(conversation: Conversation, prefix: ConversationPrefix, segments: number): boolean {
  if (conversation.segments !== segments) return false;
  if (prefix.messages.length === 0) {
    if (segments === 0) return false;
    const start = segments * SEGMENT_CHARACTERS;
    if (!prefix.text.startsWith(conversation.tail, start)) return false;
    const same = prefix.text.length === start + conversation.tail.length;
    return !same || isRepetition(conversation);
  }
  if (segments === prefix.messages.length) return isRepetition(conversation);
  return prefix.messages[segments]?.role === "assistant";
}

function isRepetition(conversation: Conversation): boolean {
  return conversation.failed && conversation.running === 0;
}

/** Those that run come last; then by the length of the last answer; then the newest. */
function choose(
  fitting: readonly Conversation[],
  prefix: ConversationPrefix,
  segments: number,
): Conversation | null {
  const idle = fitting.filter((conversation) => conversation.running === 0);
  if (idle.length === 0) return fitting.length === 1 ? (fitting[0] ?? null) : null;
  const answer = prefix.messages[segments];
  if (idle.length === 1 || answer === undefined) return idle.at(-1) ?? null;
  const answerTokens = countTokens(answer.text) + countTokens(answer.calls);
  let chosen: Conversation | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const conversation of idle) {
    const distance = Math.abs((conversation.outputTokens ?? 0) - answerTokens);
    if (distance > least) continue;
    least = distance;
    chosen = conversation;
  }
  return chosen;
}
