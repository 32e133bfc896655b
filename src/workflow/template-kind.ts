import type { Prompt } from "./prompt.ts";
import { TextHash } from "./text-hash.ts";

/** Characters of a system prompt that tell its kind. */
const SYSTEM_CHARACTERS = 4096;
/**
 * A first user message of at least `messageMin` characters is taken as a filled template, whose first
 * `head` characters are the same each time. A long head tells templates with a common opening apart.
 */
const TEMPLATE_CHARACTERS = [
  { messageMin: 2560, head: 2048 },
  { messageMin: 1024, head: 512 },
] as const;

/**
 * The kind of a workflow whose client names none: a fingerprint of its system prompt, or of the head
 * of a long first message. Digits count as one, so that a date or a counter in it makes no new kind.
 * Null where there is neither.
 */
export function templateKind(prompt: Prompt): string | null {
  const system = prompt.system.trim();
  if (system !== "") return fingerprint("system", system.slice(0, SYSTEM_CHARACTERS));
  const task = prompt.task?.text ?? "";
  const size = TEMPLATE_CHARACTERS.find(({ messageMin }) => task.length >= messageMin);
  return size === undefined ? null : fingerprint("template", task.slice(0, size.head));
}

function fingerprint(what: string, text: string): string {
  const digest = new TextHash().add(text.replaceAll(/\d+/g, "0")).digest();
  return `${what}-${digest.toString(36)}`;
}
