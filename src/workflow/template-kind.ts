import type { Prompt } from "./prompt.ts";
import { TextHash } from "./text-hash.ts";

/** Characters of a system prompt that tell its kind. */
const SYSTEM_CHARACTERS = 4096;
/** A first user message this long is taken as a filled template, whose head is the same each time. */
const TEMPLATE_CHARACTERS_MIN = 1024;
const TEMPLATE_HEAD_CHARACTERS = 512;

/**
 * The kind of a workflow whose client names none: a fingerprint of its system prompt, or of the head
 * of a long first message. Digits count as one, so that a date or a counter in it makes no new kind.
 * Null where there is neither.
 */
export function templateKind(prompt: Prompt): string | null {
  const system = prompt.system.trim();
  if (system !== "") return fingerprint("system", system.slice(0, SYSTEM_CHARACTERS));
  const task = prompt.task?.text ?? "";
  if (task.length < TEMPLATE_CHARACTERS_MIN) return null;
  return fingerprint("template", task.slice(0, TEMPLATE_HEAD_CHARACTERS));
}

function fingerprint(what: string, text: string): string {
  const digest = new TextHash().add(text.replaceAll(/\d+/g, "0")).digest();
  return `${what}-${digest.toString(36)}`;
}
