import { z } from "zod";

import { CHOICES, ORDERS, type Policy, type Speed } from "../core/types.ts";
import type { Config, EngineConfig } from "./config.ts";
import { adminSchema, keysSchema, listenSchema } from "./access-schema.ts";
import { predictionSchema } from "./prediction-schema.ts";
import { targetSchema } from "./target.ts";
import { label, numeric, whole, within } from "./schema-value.ts";

/** An engine as it is written: what depends on other keys may be left out. */
export type EngineInput = Omit<
  EngineConfig,
  "name" | "upstreamModel" | "confidence" | "apiKey" | "responses" | "speed" | "speedIsMeasured"
> & {
  readonly name?: string | undefined;
  readonly upstreamModel?: string | undefined;
  readonly confidence?: number | undefined;
  readonly apiKey?: string | undefined;
  readonly responses?: boolean | undefined;
  readonly speed?: Speed | undefined;
};

export interface VirtualModelInput {
  readonly name: string;
  readonly candidates?: readonly string[] | undefined;
  readonly price?: number | undefined;
  readonly slack?: number | undefined;
  readonly minGain?: number | undefined;
}

type ByChoice = "order" | "slack" | "starvationThreshold" | "starvationQuantum";

/** The policy as it is written: keys whose default depends on `choice` may be left out. */
export type PolicyInput = Omit<Policy, ByChoice> & {
  readonly [Key in ByChoice]?: Policy[Key] | undefined;
} & { readonly file?: string | undefined };

/** A file of the right shape, before names are given and checked against each other. */
export type ConfigInput = Omit<Config, "engines" | "models" | "policy"> & {
  readonly engines: readonly EngineInput[];
  readonly models: readonly VirtualModelInput[];
  readonly policy: PolicyInput;
};

const ENGINES_MAX = 1000;
const COUNT_MAX = 1e9;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const price = within(0, 100, "what one unloaded completion time costs in units of score");
const slack = within(0, 1000, "the accepted share of extra latency over the quickest candidate");
const minGain = within(0, 1, "the confidence that a slower model must add");
const stepMs = (meaning: string) => within(0, HOUR_MS, `milliseconds of an iteration ${meaning}`);

const url = z
  .string()
  .refine(isBaseUrl)
  .transform(normalBaseUrl)
  .describe(
    'the base of an OpenAI-compatible API, such as "http://127.0.0.1:8001/v1", without credentials or query',
  );

const headers = z
  .record(
    z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/),
    z
      .string()
      .regex(/^[\t\x20-\x7e]*$/)
      .max(8192)
      .describe("text of one line, at most 8192 characters"),
  )
  .describe("a mapping of header names to text");

export const engineSchema: z.ZodType<EngineInput> = z
  .strictObject({
    name: label("the engine's unique name").optional(),
    url,
    model: label("the model's name for clients"),
    upstreamModel: label("the model's name for the engine").optional(),
    kind: z
      .enum(["vllm", "sglang", "llama.cpp", "ollama", "tgi", "transformers", "openai"])
      .default("openai"),
    confidence: within(0, 1, "the share of tasks that the model is expected to solve").optional(),
    maxConcurrency: whole(1, 65_536, "the sequences that the engine runs at once").default(16),
    kvTokens: whole(1, 1e12, "the tokens of the engine's KV memory").default(COUNT_MAX),
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .max(8192)
      .describe("the engine's key, as text without spaces or as ${NAME} of the environment")
      .optional(),
    headers: headers.default({}),
    priority: z.enum(["none", "vllm", "sglang"]).default("none"),
    responses: z.boolean().describe("true or false").optional(),
    allowLinkLocal: z.boolean().describe("true or false").default(false),
    speed: z
      .strictObject({
        baseMs: numeric(
          z.number().positive().max(HOUR_MS),
          "a number above 0, milliseconds of an iteration with nothing in it",
        ),
        perSequenceMs: stepMs("for each decoding sequence").default(0),
        perKvTokenMs: stepMs("for each token of KV memory in use").default(0),
        perPromptTokenMs: stepMs("for each prompt token computed in it").default(0),
      })
      .describe("a mapping with baseMs, perSequenceMs, perKvTokenMs and perPromptTokenMs")
      .optional(),
    timeouts: z
      .strictObject({
        connectMs: whole(1, HOUR_MS, "milliseconds").default(5_000),
        headersMs: whole(1, DAY_MS, "milliseconds").default(300_000),
        idleMs: whole(1, DAY_MS, "milliseconds").default(120_000),
        totalMs: whole(1, DAY_MS, "milliseconds").default(HOUR_MS),
      })
      .describe("a mapping with connectMs, headersMs, idleMs and totalMs")
      .prefault({}),
  })
  .describe('a mapping such as { url: "http://127.0.0.1:8001/v1", model: small }');

const virtualModel = z
  .strictObject({
    name: label("the virtual model's name"),
    candidates: z
      .array(label("a model of the engines"))
      .min(1)
      .describe("a list of at least one model of the engines")
      .optional(),
    price: price.optional(),
    slack: slack.optional(),
    minGain: minGain.optional(),
  })
  .describe("a mapping such as { name: fast, candidates: [small], price: 0.4 }");

const policy = z.strictObject({
  file: z.string().min(1).max(4096).describe("the path of a policy's module").optional(),
  choice: z.enum(CHOICES).default("auto"),
  order: z.enum(ORDERS).optional(),
  assign: z.enum(["workflow", "stage"]).default("workflow"),
  price: price.default(0.2),
  target: targetSchema.nullable().default(null),
  slack: slack.nullable().optional(),
  minGain: minGain.default(0.1),
  ownWork: z.boolean().describe("true or false").default(false),
  countsRunning: z.boolean().describe("true or false").default(true),
  countsDelay: z.boolean().describe("true or false").default(true),
  liveBatch: z.boolean().describe("true or false").default(true),
  orderBy: z.enum(["choice", "median", "range-end"]).default("choice"),
  starvationThreshold: whole(0, COUNT_MAX, "dispatch rounds; 0 switches aging off").optional(),
  starvationQuantum: whole(1, COUNT_MAX, "dispatch rounds").optional(),
  ageScale: within(0.001, 1e6, "5 is fairer, 20 faster").default(10),
  lateChoiceRequestsMax: whole(0, 10_000, "queued requests of another engine").default(48),
  stickinessBonus: within(0, 1, "in units of score").nullable().default(null),
});

const limits = z.strictObject({
  bodyBytesMax: whole(1024, 2 ** 30, "bytes").default(32 * 2 ** 20),
  headerBytesMax: whole(1024, 2 ** 20, "bytes").default(32 * 2 ** 10),
  headersMsMax: whole(10, HOUR_MS, "milliseconds").default(30_000),
  bodyMsMax: whole(10, HOUR_MS, "milliseconds").default(120_000),
  connectionsMax: whole(1, 1e6, "connections").default(10_000),
  nestingMax: whole(8, 1e5, "levels").default(256),
  messagesMax: whole(1, 1e6, "messages").default(10_000),
  eventBytesMax: whole(1024, 2 ** 28, "bytes").default(4 * 2 ** 20),
  queueRequestsMax: whole(0, 1e7, "requests").default(10_000),
  queueRequestsPerKeyMax: whole(0, 1e7, "requests of one API key").default(10_000),
  queueTokensMax: whole(1, 1e12, "predicted tokens").default(100_000_000),
  queueWaitMsMax: whole(1, DAY_MS, "milliseconds").default(300_000),
  workflowsMax: whole(1, 1e7, "workflows").default(100_000),
  workflowIdleMsMax: whole(1, 7 * DAY_MS, "milliseconds").default(600_000),
  attemptsMax: whole(1, 100, "the times that a request is sent to an engine").default(3),
  pingAfterMs: whole(100, HOUR_MS, "milliseconds").default(10_000),
  statusHoldMs: whole(0, HOUR_MS, "milliseconds").default(2_000),
  drainMsMax: whole(0, DAY_MS, "milliseconds").default(30_000),
  textCharactersMax: whole(0, 1e8, "characters").default(32_768),
});

const store = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe("the path of a file, or null to switch the store off")
    .nullable()
    .default("./.chimera/traces.db"),
  prompts: z.boolean().describe("true or false").default(false),
  rowsPendingMax: whole(1, 1e7, "rows").default(10_000),
  rowsMax: whole(1, COUNT_MAX, "rows").default(1_000_000),
  snapshotPath: z
    .string()
    .min(1)
    .max(4096)
    .describe("the path of a file, or null for none")
    .nullable()
    .default(null),
  snapshotIntervalMs: whole(100, DAY_MS, "milliseconds").default(60_000),
});

/**
 * The shape of a configuration file, with its defaults. Each description completes the sentence
 * "must be ...": it is what a wrong or missing value is answered with.
 */
export const configSchema: z.ZodType<ConfigInput> = z
  .strictObject({
    listen: listenSchema,
    keys: keysSchema,
    admin: adminSchema,
    engines: z
      .array(engineSchema)
      .min(1)
      .max(ENGINES_MAX)
      .describe(`a list of 1 to ${ENGINES_MAX} engines, each with a url and a model`),
    models: z.array(virtualModel).max(ENGINES_MAX).describe("a list of virtual models").default([]),
    policy: policy.describe("a mapping such as { choice: auto, price: 0.2 }").prefault({}),
    prediction: predictionSchema,
    limits: limits.describe("a mapping of limits").prefault({}),
    store: store.describe('a mapping such as { path: "./.chimera/traces.db" }').prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
          .default("info"),
      })
      .describe("a mapping such as { level: info }")
      .prefault({}),
    seed: whole(0, 2 ** 32 - 1, "the start of every random choice").default(1),
  })
  .describe("a mapping with at least the key engines");

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

/** Without a slash at the end; a URL without a path gets the usual `/v1`. */
function normalBaseUrl(text: string): string {
  const url = new URL(text);
  const path = url.pathname.replace(/\/+$/, "");
  return url.origin + (path === "" ? "/v1" : path);
}
