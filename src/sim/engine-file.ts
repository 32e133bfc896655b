import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import type { EngineSpec } from "../core/types.ts";
import type { ScenarioEngine } from "./scenario.ts";

export type EngineFileResult =
  | { readonly ok: true; readonly engines: readonly ScenarioEngine[] }
  | { readonly ok: false; readonly problems: readonly string[] };

const milliseconds = z.number().nonnegative();
const whole = z.number().int().positive();

const engineSchema = z
  .strictObject({
    name: z.string().min(1).optional(),
    model: z.string().min(1),
    maxSequences: whole.default(16),
    kvTokens: whole.default(100_000),
    chunkTokens: whole.default(2048),
    baseMs: milliseconds,
    perSequenceMs: milliseconds.default(0),
    perKvTokenMs: milliseconds.default(0),
    perPromptTokenMs: milliseconds.default(0),
    prefixCache: z.boolean().default(true),
    profileMsPerToken: milliseconds.optional(),
    profileBatch: z.number().positive().optional(),
  })
  .refine((engine) => engine.baseMs + engine.perSequenceMs > 0, {
    message: "an iteration must take time: set baseMs or perSequenceMs",
  });

/** KV tokens that one sequence holds on average when nothing better is known, for the default profile. */
const HELD_TOKENS_PER_SEQUENCE = 1000;

/**
 * Reads engines in the terms of a scenario (timing, limits, profile) from YAML: a list, or a mapping
 * with a list `engines`. What is profiled defaults to the step time of a full batch. All problems at once.
 */
export async function readEngineFile(file: string): Promise<EngineFileResult> {
  let value: unknown;
  try {
    value = parse(await readFile(file, "utf8"));
  } catch (error) {
    return {
      ok: false,
      problems: [`${file}: ${error instanceof Error ? error.message : String(error)}`],
    };
  }
  const schema = z.union([
    z.array(engineSchema).min(1),
    z.object({ engines: z.array(engineSchema).min(1) }),
  ]);
  const list = Array.isArray(value) ? z.array(engineSchema).min(1) : schema;
  const parsed = list.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(
      (issue) => `${file}: ${issue.path.join(".") || "engines"}: ${issue.message}`,
    );
    return { ok: false, problems };
  }
  const engines = Array.isArray(parsed.data) ? parsed.data : parsed.data.engines;
  const named = engines.map((engine, index) => complete(engine, index));
  const names = new Set(named.map((engine) => engine.name));
  if (names.size < named.length)
    return { ok: false, problems: [`${file}: engine names must differ`] };
  return { ok: true, engines: named };
}

function complete(engine: z.infer<typeof engineSchema>, index: number): ScenarioEngine {
  const profileBatch = engine.profileBatch ?? engine.maxSequences;
  const fullStepMs =
    engine.baseMs +
    engine.perSequenceMs * profileBatch +
    engine.perKvTokenMs * Math.min(engine.kvTokens, HELD_TOKENS_PER_SEQUENCE * profileBatch);
  return {
    ...engine,
    name: engine.name ?? `${engine.model}-${index}`,
    profileBatch,
    profileMsPerToken: engine.profileMsPerToken ?? fullStepMs,
  };
}

/** The engine as the core knows it, its queue held in front of it. */
export function engineSpecOf(engine: ScenarioEngine, overCommit: number): EngineSpec {
  const { name, model, maxSequences, kvTokens, profileMsPerToken, profileBatch } = engine;
  const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = engine;
  return {
    name,
    model,
    maxSequences,
    kvTokens,
    overCommit,
    queuePlace: "gateway",
    speed: { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs },
    profileMsPerToken,
    profileBatch,
  };
}
