import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { targetSchema } from "../config/target.ts";
import { POLICIES } from "../core/policies.ts";
import { CHOICES, ORDERS } from "../core/types.ts";
import {
  completeExperiment,
  referenceProblems,
  type Experiment,
  type KnownPolicies,
} from "./experiment.ts";
import type { ExperimentDocument } from "./experiment-document.ts";
import { readOwnPolicies } from "./experiment-policy.ts";

export type ExperimentResult = { readonly ok: true; readonly experiment: Experiment } | Refused;

interface Refused {
  readonly ok: false;
  /** One a line: file, place and what is wrong there. */
  readonly problems: readonly string[];
}

const name = z.string().min(1);
const whole = z.number().int().positive();
const milliseconds = z.number().nonnegative();
const list = <T extends z.ZodType>(item: T): z.ZodArray<T> => z.array(item).min(1);

const engineSchema = z
  .strictObject({
    baseMs: milliseconds,
    perSequenceMs: milliseconds.default(0),
    perKvTokenMs: milliseconds.default(0),
    perPromptTokenMs: milliseconds.default(0),
    kvTokens: whole,
    chunkTokens: whole.default(2048),
    replicas: whole.default(1),
  })
  .refine((engine) => engine.baseMs + engine.perSequenceMs > 0, "an iteration must take time");

const workloadSchema = z
  .strictObject({
    name,
    models: list(name),
    recorded: z.strictObject({ runs: name, tasks: name, templates: name.optional() }).optional(),
    generated: z.strictObject({ domain: z.enum(["code", "math"]), problems: whole }).optional(),
    replicas: whole.default(1),
    workflows: whole.optional(),
  })
  .refine(
    (workload) => (workload.recorded === undefined) !== (workload.generated === undefined),
    "give either recorded or generated",
  );

const share = z.number().min(0).max(1);
const disturbanceSchema = z.strictObject({
  patienceSecondsMean: z.number().positive().optional(),
  faults: z.array(z.strictObject({ model: name, atShare: share, downShare: share })).default([]),
});

const settingsSchema = z
  .strictObject({
    choice: z.enum(CHOICES),
    order: z.enum(ORDERS),
    assign: z.enum(["workflow", "stage"]),
    price: z.number().nonnegative(),
    target: targetSchema,
    slack: z.number().nonnegative().nullable(),
    minGain: z.number().min(0).max(1),
    ownWork: z.boolean(),
    countsRunning: z.boolean(),
    countsDelay: z.boolean(),
    liveBatch: z.boolean(),
    orderBy: z.enum(["choice", "median", "range-end"]),
    starvationThreshold: z.number().int().nonnegative(),
    starvationQuantum: whole,
    ageScale: z.number().positive(),
    lateChoiceRequestsMax: z.number().int().nonnegative(),
    stickinessBonus: z.number().nonnegative().nullable(),
    overCommit: z.number().int().nonnegative(),
    cascades: z.boolean(),
  })
  .partial();

const predictorSchema = z.union([
  z.enum(["cold-start", "true-lengths", "true-scores", "truth"]),
  z.strictObject({
    learned: z
      .strictObject({
        lengths: z.enum(["default", "paper"]).optional(),
        router: z.union([z.boolean(), z.literal("neighbours")]).optional(),
      })
      .refine(
        ({ lengths, router }) => lengths !== undefined || (router ?? false) !== false,
        "learns nothing",
      ),
  }),
  z.strictObject({
    kendallDistance: z.number().min(0).max(0.5).optional(),
    routerArea: z.number().min(0.5).max(0.99).optional(),
  }),
]);

const policySchema = z.union([
  name.transform((policy) => ({ policy, label: undefined, set: {}, sweep: null })),
  z.strictObject({
    policy: name,
    label: name.optional(),
    set: settingsSchema.default({}),
    predictor: predictorSchema.optional(),
    sweep: z
      .record(z.string(), list(z.number().nonnegative()))
      .refine((keys) => Object.keys(keys).length === 1, "sweep one key")
      .nullable()
      .default(null),
  }),
]);

const sizeSchema = z
  .strictObject({
    workflows: whole,
    seeds: list(z.number().int().nonnegative()),
    batchLimits: list(whole),
    loads: list(z.number().positive()),
    callsPerSecond: list(z.number().positive()),
    predictors: list(predictorSchema),
    workloads: list(name),
    policies: list(name),
  })
  .partial();

const documentSchema: z.ZodType<ExperimentDocument> = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]+$/, "small letters, digits and dashes"),
    title: name,
    about: name,
    view: z.enum(["recorded", "paper", "comparison"]),
    workloads: list(workloadSchema),
    engines: z.record(z.string(), engineSchema),
    batchLimits: list(whole),
    arrivals: z.union([z.literal("poisson"), z.strictObject({ trace: name })]),
    disturbances: disturbanceSchema.optional(),
    loads: list(z.number().positive()).optional(),
    callsPerSecond: list(z.number().positive()).optional(),
    workflows: whole,
    seeds: list(z.number().int().nonnegative()),
    predictors: list(predictorSchema).default(["cold-start"]),
    policies: list(policySchema),
    baseline: name,
    paper: z
      .array(
        z.strictObject({
          workload: name,
          against: name,
          speed: z.number().positive(),
          points: z.number(),
        }),
      )
      .default([]),
    quick: sizeSchema.default({}),
  })
  .refine(
    (document) => (document.loads === undefined) !== (document.callsPerSecond === undefined),
    "give either loads or callsPerSecond",
  );

/**
 * Reads one experiment; its quick part when asked. Policies in files are looked for from its folder.
 * All problems at once, never throws.
 */
export async function readExperiment(file: string, isQuick: boolean): Promise<ExperimentResult> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return { ok: false, problems: [`${file}: ${messageOf(error)}`] };
  }
  const parsed = parseDocument(text, file);
  if (!parsed.ok) return parsed;
  const { document, known, problems } = await readOwnPolicies(parsed.document, file);
  if (problems.length > 0)
    return { ok: false, problems: problems.map((each) => `${file}: ${each}`) };
  return complete(document, file, isQuick, known);
}

/** As `readExperiment`, of a text that is at hand and names no files of policies. */
export function parseExperiment(text: string, file: string, isQuick: boolean): ExperimentResult {
  const parsed = parseDocument(text, file);
  return parsed.ok ? complete(parsed.document, file, isQuick, POLICIES) : parsed;
}

function complete(
  document: ExperimentDocument,
  file: string,
  isQuick: boolean,
  known: KnownPolicies,
): ExperimentResult {
  const problems = referenceProblems(document, known).map((problem) => `${file}: ${problem}`);
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, experiment: completeExperiment(document, isQuick, known) };
}

function parseDocument(
  text: string,
  file: string,
): { readonly ok: true; readonly document: ExperimentDocument } | Refused {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    return { ok: false, problems: [`${file}: ${messageOf(error)}`] };
  }
  const parsed = documentSchema.safeParse(value);
  if (parsed.success) return { ok: true, document: parsed.data };
  const problems = parsed.error.issues.map(
    (issue) => `${file}: ${issue.path.join(".") || "document"}: ${issue.message}`,
  );
  return { ok: false, problems };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
