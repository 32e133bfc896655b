import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { POLICIES } from "../core/policies.ts";
import type { OwnRules, Policy } from "../core/types.ts";

/** What the module of a policy exports as its default: its rules, and what it changes of a known policy. */
export interface PolicyModule extends OwnRules {
  readonly name: string;
  /** A policy by name whose other settings it keeps; `auto` when left out. */
  readonly base?: string;
  readonly settings?: Settings;
}

type Settings = {
  readonly [Key in "assign" | "starvationThreshold" | "starvationQuantum" | "ageScale"]?:
    | Policy[Key]
    | undefined;
};

export type PolicyFileResult =
  | { readonly ok: true; readonly name: string; readonly policy: Policy }
  | { readonly ok: false; readonly message: string };

const functionSchema = <Rule>(): z.ZodType<Rule> =>
  z.custom<Rule>((value) => typeof value === "function", { message: "must be a function" });
const moduleSchema = z.strictObject({
  name: z.string().min(1),
  base: z.string().default("auto"),
  settings: z
    .strictObject({
      assign: z.enum(["workflow", "stage"]).optional(),
      starvationThreshold: z.int().nonnegative().optional(),
      starvationQuantum: z.int().positive().optional(),
      ageScale: z.number().positive().optional(),
    })
    .default({}),
  valueFor: functionSchema<NonNullable<OwnRules["valueFor"]>>().optional(),
  priorityFor: functionSchema<NonNullable<OwnRules["priorityFor"]>>().optional(),
});

/** Whether a policy is named by the file of its module rather than by a known name. */
export function isPolicyFile(name: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(name);
}

/**
 * Loads a policy from the module that defines it (JavaScript; TypeScript too where the process can run
 * it). The rules that it brings replace those of its base. Never throws.
 */
export async function readPolicyFile(file: string): Promise<PolicyFileResult> {
  const refused = (message: string): PolicyFileResult => ({
    ok: false,
    message: `${file}: ${message}`,
  });
  let loaded: unknown;
  try {
    loaded = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    return refused(`cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  const content = typeof loaded === "object" && loaded !== null ? loaded : {};
  // A CommonJS module arrives with its exports as the default.
  const parsed = moduleSchema.safeParse("default" in content ? content.default : undefined);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join(".") ?? "";
    return refused(
      `its default export: ${path === "" ? "" : `${path}: `}${issue?.message ?? "is no policy"}`,
    );
  }
  const { name, base, settings, valueFor, priorityFor } = parsed.data;
  const known = POLICIES[base];
  if (known === undefined) {
    return refused(
      `base: there is no policy "${base}"; there are ${Object.keys(POLICIES).join(", ")}`,
    );
  }
  if (valueFor === undefined && priorityFor === undefined) {
    return refused("brings neither valueFor (a choice) nor priorityFor (an order)");
  }
  const rules = { ...(valueFor && { valueFor }), ...(priorityFor && { priorityFor }) };
  return { ok: true, name, policy: withRules(known, settings, rules) };
}

function withRules(base: Policy, settings: Settings, own: OwnRules): Policy {
  return {
    ...base,
    assign: settings.assign ?? base.assign,
    starvationThreshold: settings.starvationThreshold ?? base.starvationThreshold,
    starvationQuantum: settings.starvationQuantum ?? base.starvationQuantum,
    ageScale: settings.ageScale ?? base.ageScale,
    choice: own.valueFor === undefined ? base.choice : "own",
    order: own.priorityFor === undefined ? base.order : "own",
    // Late choice weighs by auto's price, which is not the rule of such a policy.
    lateChoiceRequestsMax: own.valueFor === undefined ? base.lateChoiceRequestsMax : 0,
    own,
  };
}
