import { conversationPrefix } from "./conversation-prefix.ts";
import { type ConversationMemory, Conversations } from "./conversations.ts";
import { ExpiringMap, type ExpiryLimits } from "./expiring-map.ts";
import type { Identity } from "./identity.ts";
import type { Prompt } from "./prompt.ts";

/** Where a request stands in its workflow. */
export interface Arrival {
  /** Scoped by API key. */
  readonly workflowId: string;
  /** The dialect that named it, "fingerprint" where the conversation did, "none" for neither. */
  readonly source: string;
  /** From 0: the client's number, else the requests of the workflow before it that did not fail. */
  readonly stage: number;
  /** Output tokens of the finished stages, oldest first; the last 32 at most. */
  readonly producedTokens: readonly number[];
  /** Whether this is the first request of the workflow, as far as is remembered. */
  readonly starts: boolean;
}

interface Session {
  nextStage: number;
  producedTokens: readonly number[];
}

/** What outlives the process of a workflow's session. */
export interface SessionMemory {
  readonly workflowId: string;
  readonly touchedMs: number;
  readonly nextStage: number;
  readonly producedTokens: readonly number[];
  /** What it is recognised by, where its client sends no id. */
  readonly conversation: ConversationMemory | null;
}

const PRODUCED_STAGES_MAX = 32;

/**
 * Every open workflow with what its later stages need to know. Bounded by entries and idle time; a
 * workflow that idled out and comes back starts anew, at the stage its client says or at 0. Without
 * an id the conversation is recognised (`conversations.ts`); a request with neither id nor text is
 * a workflow of its own. All operations cost O(1) beside the hashing of the prompt.
 */
export class Sessions {
  readonly #sessions: ExpiringMap<Session>;
  readonly #conversations: Conversations;
  #unnamed = 0;

  constructor(limits: ExpiryLimits) {
    this.#sessions = new ExpiringMap<Session>(limits, () => {});
    this.#conversations = new Conversations(limits);
  }

  get size(): number {
    return this.#sessions.size;
  }

  arrive(identity: Identity, prompt: Prompt, timeMs: number): Arrival {
    const { workflowId, source } = this.#name(identity, prompt, timeMs);
    const known = this.#sessions.touch(workflowId, timeMs);
    const session: Session = known ?? { nextStage: 0, producedTokens: [] };
    if (known === undefined) this.#sessions.set(workflowId, session, timeMs);
    const stage = identity.stage ?? session.nextStage;
    session.nextStage = stage + 1;
    return {
      workflowId,
      source,
      stage,
      producedTokens: session.producedTokens,
      starts: known === undefined,
    };
  }

  /**
   * A request of the workflow ended. Null output tokens say that it failed: its stage number is
   * given again, and the next request with the same messages counts as a repetition.
   */
  stageEnded(workflowId: string, outputTokens: number | null, timeMs: number): void {
    this.#conversations.stageEnded(workflowId, outputTokens, timeMs);
    const session = this.#sessions.touch(workflowId, timeMs);
    if (session === undefined) return;
    if (outputTokens === null) session.nextStage = Math.max(0, session.nextStage - 1);
    else
      session.producedTokens = [...session.producedTokens, outputTokens].slice(
        -PRODUCED_STAGES_MAX,
      );
  }

  /** The workflow is over. True if it was open. */
  end(workflowId: string): boolean {
    this.#conversations.end(workflowId);
    return this.#sessions.delete(workflowId);
  }

  /** The newest workflows, at most so many, the longest untouched first. */
  memories(workflowsMax: number): SessionMemory[] {
    return this.#sessions.newest(workflowsMax).map(({ key, value, touchedMs }) => ({
      workflowId: key,
      touchedMs,
      nextStage: value.nextStage,
      producedTokens: value.producedTokens,
      conversation: this.#conversations.memoryOf(key),
    }));
  }

  /** A workflow of an earlier process goes on. To be called in the order of `memories`, before any request. */
  restore({ workflowId, touchedMs, conversation, ...session }: SessionMemory): void {
    this.#sessions.set(workflowId, { ...session }, touchedMs);
    if (conversation !== null) this.#conversations.restore(workflowId, conversation, touchedMs);
  }

  #name(
    identity: Identity,
    prompt: Prompt,
    timeMs: number,
  ): { readonly workflowId: string; readonly source: string } {
    if (identity.workflowId !== null) {
      return { workflowId: identity.workflowId, source: identity.source };
    }
    const prefix = conversationPrefix(prompt, identity.group);
    if (prefix !== null) {
      const workflowId = this.#conversations.arrive(identity.scope, prefix, timeMs);
      return { workflowId, source: "fingerprint" };
    }
    this.#unnamed += 1;
    const parts = [Math.floor(timeMs), this.#unnamed].map((part) => part.toString(36));
    return { workflowId: `${identity.scope}one-${parts.join("-")}`, source: "none" };
  }
}
