import { dirname, resolve } from "node:path";
import { isPolicyFile, readPolicyFile } from "../config/policy-file.ts";
import { POLICIES } from "../core/policies.ts";
import type { Policy } from "../core/types.ts";
import type { ExperimentDocument, PolicyEntry } from "./experiment-document.ts";
import type { KnownPolicies, Trial } from "./experiment.ts";

export interface OwnPolicies {
  /** Each file by its absolute path, labelled by the name that its module gives itself. */
  readonly document: ExperimentDocument;
  /** Those of the core, and the files' without their rules. */
  readonly known: KnownPolicies;
  readonly problems: readonly string[];
}

/** Loads the files that the policies of a document name, relative to its folder. */
export async function readOwnPolicies(
  document: ExperimentDocument,
  file: string,
): Promise<OwnPolicies> {
  const problems: string[] = [];
  const known: Record<string, Policy> = { ...POLICIES };
  const policies: PolicyEntry[] = [];
  for (const entry of document.policies) {
    if (!isPolicyFile(entry.policy)) {
      policies.push(entry);
      continue;
    }
    const path = resolve(dirname(file), entry.policy);
    const read = await readPolicyFile(path);
    if (!read.ok) {
      problems.push(read.message);
      continue;
    }
    // Plain data goes to threads; each loads the rules itself.
    const { own: _own, ...policy } = read.policy;
    known[path] = policy;
    policies.push({ ...entry, policy: path, label: entry.label ?? read.name });
  }
  return { document: { ...document, policies }, known, problems };
}

/** The trial with the rules of its policy's file, where it has one. Rejects when the file has gone bad. */
export async function withOwnRules(trial: Trial): Promise<Trial> {
  const { variant } = trial;
  if (variant.file === null) return trial;
  const read = await readPolicyFile(variant.file);
  if (!read.ok) throw new Error(read.message);
  const { own } = read.policy;
  const policy = own === undefined ? variant.policy : { ...variant.policy, own };
  return { ...trial, variant: { ...variant, policy } };
}
