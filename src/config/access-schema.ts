import { z } from "zod";
import { isApiKeyHash } from "./api-key.ts";
import type { ApiKeyConfig, Config } from "./config.ts";
import { DEFAULT_HOST, isLoopbackHost, parseListen } from "./listen.ts";
import { label, truth, whole, within } from "./schema-value.ts";

const COUNT_MAX = 1e9;
const TOKENS_MAX = 1e12;
const KEYS_MAX = 10_000;
const PORT_MAX = 65_535;

const hash = z
  .string()
  .refine(isApiKeyHash)
  .describe('a hash of `chimera key new`, such as "sha256:..."');

const path = z.string().min(1).max(4096).describe("the path of a PEM file");

const address = z.strictObject({
  host: z.string().min(1).max(255).describe("a host name or an address").default(DEFAULT_HOST),
  port: whole(0, PORT_MAX, "a port; 0 is any free one").default(8080),
  open: truth().default(false),
  tls: z
    .strictObject({ cert: path, key: path })
    .describe("a mapping with cert and key, the paths of PEM files")
    .nullable()
    .default(null),
});

export const listenSchema: z.ZodType<Config["listen"]> = z
  .preprocess((value) => parseListen(value) ?? value, address)
  .describe('a port or "host:port", such as 8080 or "0.0.0.0:8080"')
  .prefault({});

const key = z
  .strictObject({
    name: label("the key's unique name, which logs and metrics show"),
    hash,
    models: z
      .array(label("a name that clients may ask for"))
      .min(1)
      .describe("a list of at least one model or virtual model")
      .nullable()
      .default(null),
    classMax: z.enum(["system", "interactive", "default", "bulk"]).default("interactive"),
    requestsPerMinute: whole(1, COUNT_MAX, "requests").nullable().default(null),
    tokensPerMinute: whole(1, TOKENS_MAX, "tokens of prompts and answers").nullable().default(null),
    concurrency: whole(1, COUNT_MAX, "unfinished requests").nullable().default(null),
    weight: within(0.001, 1000, "the key's share of a full engine against other keys").default(1),
  })
  .describe("a mapping with a name and a hash, as `chimera key new` prints it");

export const keysSchema: z.ZodType<readonly ApiKeyConfig[]> = z
  .array(key)
  .max(KEYS_MAX)
  .describe("a list of keys")
  .default([]);

export const adminSchema: z.ZodType<Config["admin"]> = z
  .strictObject({
    hash: hash.nullable().default(null),
    api: z
      .strictObject({
        listen: z
          .string()
          .refine((text) => isLoopbackHost(parseListen(text)?.host ?? ""))
          .describe('"host:port" on this machine alone, such as "127.0.0.1:9090"'),
        hash,
      })
      .describe("a mapping with listen and hash, or null for none")
      .nullable()
      .default(null),
  })
  .describe("a mapping with the hash of the operators' token")
  .prefault({});
