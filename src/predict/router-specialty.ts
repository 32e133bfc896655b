import type { RouterExample } from "./router-cases.ts";

/** Examples of one workflow among those of several. */
export interface RouterSpecialty {
  readonly workflow: string;
  readonly examples: readonly RouterExample[];
}

/** Fewer outcomes make no router of their own. */
const OUTCOMES_MIN = 1000;
/** What is learned from most of the examples says little that all of them do not say. */
const SHARE_MAX = 0.5;
/** Each makes the file and a decision larger. */
const SPECIALTIES_MAX = 8;

/** The workflow of a kind, whatever its template: what stands before the first "/". */
export function workflowOf(kind: string): string {
  return kind.split("/", 1)[0] ?? "";
}

/** The workflows that a router of their own is worth, those with most outcomes first. */
export function specialtiesOf(examples: readonly RouterExample[]): RouterSpecialty[] {
  const workflows = new Map<string, RouterExample[]>();
  for (const example of examples) {
    const { kind } = example.facts;
    if (kind === "unknown") continue;
    const workflow = workflowOf(kind);
    const known = workflows.get(workflow);
    if (known === undefined) workflows.set(workflow, [example]);
    else known.push(example);
  }
  return [...workflows]
    .filter(([, own]) => own.length >= OUTCOMES_MIN && own.length <= SHARE_MAX * examples.length)
    .sort(([nameA, a], [nameB, b]) => b.length - a.length || (nameA < nameB ? -1 : 1))
    .slice(0, SPECIALTIES_MAX)
    .map(([workflow, own]) => ({ workflow, examples: own }));
}
