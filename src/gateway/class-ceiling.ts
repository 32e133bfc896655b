import type { ApiKeyConfig } from "../config/config.ts";
import { PRIORITY_CLASSES, type PriorityClass } from "../core/types.ts";

/** The class that a request gets of the one it asks for, and the headers that say so if it is lower. */
export function classFor(
  asked: PriorityClass,
  key: ApiKeyConfig | null,
): { readonly class: PriorityClass; readonly headers: Readonly<Record<string, string>> } {
  const max = key?.classMax ?? "system";
  if (PRIORITY_CLASSES.indexOf(asked) >= PRIORITY_CLASSES.indexOf(max)) {
    return { class: asked, headers: {} };
  }
  return { class: max, headers: { "x-chimera-class": max, "x-chimera-class-asked": asked } };
}
