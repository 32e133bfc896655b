import { z } from "zod";
import type { PlattMap } from "../learn/calibration.ts";
import { fault, type Decoded, type Facts } from "../learn/model-file.ts";

/** What an encoder reads of a text: prefix, a window of the text's tokens, suffix. */
export interface TokenWindowRule {
  /** With prefix and suffix. */
  readonly tokensMax: number;
  /** UTF-16 units that are tokenised at most. */
  readonly charactersMax: number;
  /** The side of a longer text that is left off. */
  readonly truncate: "left" | "right";
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  readonly pad: number;
}

/** One logit of the encoder. */
export interface EncoderLabel {
  readonly model: string;
  /** Texts with a known outcome of this model. */
  readonly outcomes: number;
  /** Share of them that it solved. */
  readonly rate: number;
  /** From logit to confidence. */
  readonly calibration: PlattMap;
}

/** `chimera.json` of an encoder's folder, as `training/` writes it. */
export interface EncoderManifest {
  readonly model: {
    readonly file: string;
    readonly sha256: string;
    readonly precision: "float32" | "int8";
  };
  readonly tokenizer: { readonly file: string; readonly sha256: string };
  readonly input: TokenWindowRule;
  /** In the order of the logits. */
  readonly labels: readonly EncoderLabel[];
  readonly training: Facts;
}

export const MANIFEST_FILE = "chimera.json";
const KIND = "chimera-encoder";
const SCHEMA = 1;

const token = z.number().int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** A name within the folder. */
const file = z.string().regex(/^[\w-][\w.-]*$/);

const manifestSchema: z.ZodType<EncoderManifest> = z.object({
  model: z.object({ file, sha256, precision: z.enum(["float32", "int8"]) }),
  tokenizer: z.object({ file, sha256 }),
  input: z
    .object({
      tokensMax: z.number().int().min(1).max(8192),
      charactersMax: z.number().int().min(1),
      truncate: z.enum(["left", "right"]),
      prefix: z.array(token),
      suffix: z.array(token),
      pad: token,
    })
    .refine(({ tokensMax, prefix, suffix }) => prefix.length + suffix.length < tokensMax),
  labels: z
    .array(
      z.object({
        model: z.string().min(1),
        outcomes: z.number().int().nonnegative(),
        rate: z.number().min(0).max(1),
        calibration: z.object({ slope: z.number(), intercept: z.number() }),
      }),
    )
    .min(1)
    .refine((labels) => new Set(labels.map(({ model }) => model)).size === labels.length),
  training: z.record(z.string(), z.unknown()),
});

const headSchema = z.object({ kind: z.literal(KIND), schema: z.number() });

/** Reads the text of a manifest. */
export function readManifest(text: string): Decoded<EncoderManifest> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fault("damaged", `${MANIFEST_FILE} is not JSON`);
  }
  const head = headSchema.safeParse(json);
  if (!head.success) return fault("not-a-model", `${MANIFEST_FILE} is not of an encoder`);
  const { schema } = head.data;
  if (schema !== SCHEMA) {
    return fault("other-version", `the encoder has schema ${schema}, this program reads ${SCHEMA}`);
  }
  const manifest = manifestSchema.safeParse(json);
  if (manifest.success) return { ok: true, value: manifest.data };
  const at = manifest.error.issues[0]?.path.join(".") ?? "";
  return fault("damaged", `${MANIFEST_FILE} is not whole: ${at}`);
}
