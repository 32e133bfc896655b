import type { Prompt, PromptMessage } from "./prompt.ts";
import { TextHash } from "./text-hash.ts";

/** The growing part of a request: what the next stage of the same chain will start with. */
export interface ConversationPrefix {
  /** digests[k] stands for the group and the first k segments. */
  readonly digests: readonly number[];
  /** The message behind each segment; empty for plain prompts. */
  readonly messages: readonly PromptMessage[];
  /** Rest of a plain prompt after its last whole segment. */
  readonly tail: string;
  /** The whole text of a plain prompt, else empty. */
  readonly text: string;
  /** Stands for the group, the system prompt and the first user message; null for plain prompts. */
  readonly anchor: number | null;
}

/** Characters in one segment of a plain prompt. */
export const SEGMENT_CHARACTERS = 256;

/**
 * Hashes a request once, from front to back. The segments of a chat are its messages, those of a
 * plain prompt are blocks of 256 characters. Null where there is nothing to recognise. Two groups
 * (user, cache key) never have a digest in common.
 */
export function conversationPrefix(
  prompt: Prompt,
  group: readonly string[],
): ConversationPrefix | null {
  const hash = new TextHash();
  for (const name of group) hash.add(name);
  if (prompt.kind === "chat" && prompt.messages.length > 0) return chatPrefix(prompt, hash);
  const text = prompt.task?.text ?? "";
  return prompt.kind === "completion" && text !== "" ? plainPrefix(text, hash) : null;
}

function chatPrefix(prompt: Prompt, hash: TextHash): ConversationPrefix {
  const digests = [hash.digest()];
  let anchor: number | null = null;
  for (const message of prompt.messages) {
    hash.add(message.role).add(message.text).add(message.calls);
    for (const image of message.images) hash.add(image);
    digests.push(hash.digest());
    if (message === prompt.task) anchor = hash.digest();
  }
  return { digests, messages: prompt.messages, tail: "", text: "", anchor };
}

function plainPrefix(text: string, hash: TextHash): ConversationPrefix {
  hash.add("plain");
  const digests = [hash.digest()];
  const whole = Math.floor(text.length / SEGMENT_CHARACTERS);
  for (let segment = 0; segment < whole; segment += 1) {
    const start = segment * SEGMENT_CHARACTERS;
    digests.push(hash.add(text.slice(start, start + SEGMENT_CHARACTERS)).digest());
  }
  const tail = text.slice(whole * SEGMENT_CHARACTERS);
  return { digests, messages: [], tail, text, anchor: null };
}
