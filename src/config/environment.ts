import type { Complaint } from "./problem.ts";
import type { KeyPath } from "./schema-walk.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Far deeper than any key of the schema. */
const DEPTH_MAX = 32;
const REFERENCE = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/**
 * Replaces each `${NAME}` in the values of a configuration by the environment's NAME; `$${NAME}`
 * stands for the text `${NAME}`. Keys are left alone. A name that is not set is a complaint, and so
 * is a value that is nested without end (YAML's aliases can do that): it is replaced by null.
 */
export function fillReferences(
  value: unknown,
  environment: Environment,
): { value: unknown; complaints: Complaint[] } {
  const complaints: Complaint[] = [];
  const around: unknown[] = [];
  const fill = (part: unknown, path: KeyPath): unknown => {
    if (typeof part === "string") return fillText(part, path);
    if (typeof part !== "object" || part === null) return part;
    if (around.length === DEPTH_MAX || around.includes(part)) {
      complaints.push({ path, about: "value", message: "is nested too deeply; flatten it" });
      return null;
    }
    around.push(part);
    const filled = Array.isArray(part)
      ? part.map((item, index) => fill(item, [...path, index]))
      : Object.fromEntries(
          Object.entries(part).map(([key, item]) => [key, fill(item, [...path, key])]),
        );
    around.pop();
    return filled;
  };
  const fillText = (text: string, path: KeyPath): string =>
    text.replaceAll(REFERENCE, (whole: string, escape: string, name: string) => {
      if (escape !== "") return whole.slice(1);
      const found = environment[name];
      if (found !== undefined) return found;
      const message = `needs the environment variable ${name}, which is not set; set it, or write $\${${name}} for the text itself`;
      complaints.push({ path, about: "value", message });
      return whole;
    });
  return { value: fill(value, []), complaints };
}
