import type * as Tokenizers from "@huggingface/tokenizers";
import type * as Onnx from "onnxruntime-node";
import type { InferenceSession, Tensor, TypedTensor } from "onnxruntime-node";
import { fault, type Decoded } from "../learn/model-file.ts";
import type { EncoderFolder } from "./encoder-folder.ts";
import { createTokenReader } from "./encoder-text.ts";

/** An encoder that is loaded. For one caller at a time. */
export interface EncoderSession {
  readonly tokensOf: (text: string) => number[];
  /** A row of logits for each row of tokens, in their order; no row may be empty. */
  readonly logitsOf: (rows: readonly (readonly number[])[]) => Promise<Float32Array[]>;
  readonly close: () => Promise<void>;
}

export interface EncoderSessionOptions {
  /** Of one run of the encoder; 1 unless set: prediction has a thread of its own and no more. */
  readonly threads?: number;
}

/** The parts that an encoder needs beside this program. */
export const ENCODER_PACKAGES: readonly string[] = [
  "onnxruntime-node@1.30.0",
  "@huggingface/tokenizers@0.2.0",
];

/** Rows of like length that run together; more gain nothing on a CPU. */
const BATCH_ROWS_MAX = 8;
const INPUTS = ["input_ids", "attention_mask"];
/** Fatal errors only: the runtime writes to standard error by itself. */
const LOG_FATAL = 4;

interface Runtime {
  readonly onnx: typeof Onnx;
  readonly tokenizers: typeof Tokenizers;
}

/**
 * Loads an encoder. "unfit" where a package is not installed, the model does not read tokens and mask, or its
 * logits are not as many as the labels. Never rejects.
 */
export async function openEncoder(
  { manifest, modelPath, tokenizer }: EncoderFolder,
  { threads = 1 }: EncoderSessionOptions = {},
): Promise<Decoded<EncoderSession>> {
  const runtime = await importRuntime();
  if (runtime === null) {
    const packages = ENCODER_PACKAGES.join(" ");
    return fault("unfit", `an encoder needs packages that are not here: npm install ${packages}`);
  }
  try {
    const { Tokenizer } = runtime.tokenizers;
    const reader = new Tokenizer(tokenizer, {});
    const tokenize = (text: string): number[] =>
      text === "" ? [] : reader.encode(text, { add_special_tokens: false }).ids;
    const session = await runtime.onnx.InferenceSession.create(modelPath, {
      executionProviders: ["cpu"],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: LOG_FATAL,
    });
    if (INPUTS.some((name) => !session.inputNames.includes(name))) {
      return fault("unfit", `the encoder does not read ${INPUTS.join(" and ")}`);
    }
    const { pad } = manifest.input;
    const opened: EncoderSession = {
      tokensOf: createTokenReader(manifest.input, tokenize),
      logitsOf: (rows) => runRows(rows, (batch) => runBatch({ session, runtime, pad }, batch)),
      close: () => session.release(),
    };
    const [trial] = await opened.logitsOf([opened.tokensOf("a")]);
    if (trial?.length === manifest.labels.length) return { ok: true, value: opened };
    await opened.close();
    return fault(
      "unfit",
      `the encoder has ${trial?.length ?? 0} logits for ${manifest.labels.length} models`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return fault("unfit", `the encoder cannot be run: ${reason}`);
  }
}

/** Null where a package is not installed. */
async function importRuntime(): Promise<Runtime | null> {
  try {
    const [onnx, tokenizers] = await Promise.all([
      import("onnxruntime-node"),
      import("@huggingface/tokenizers"),
    ]);
    return { onnx, tokenizers };
  } catch {
    return null;
  }
}

type Rows = readonly (readonly number[])[];

/** Runs rows of like length together, so that little is padded. */
async function runRows(
  rows: Rows,
  run: (batch: Rows) => Promise<Float32Array[]>,
): Promise<Float32Array[]> {
  const order = Array.from(rows.keys()).sort(
    (a, b) => (rows[a]?.length ?? 0) - (rows[b]?.length ?? 0) || a - b,
  );
  const logits: Float32Array[] = Array.from({ length: rows.length }, () => new Float32Array());
  for (let at = 0; at < order.length; at += BATCH_ROWS_MAX) {
    const places = order.slice(at, at + BATCH_ROWS_MAX);
    const answers = await run(places.map((place) => rows[place] ?? []));
    for (const [index, place] of places.entries()) {
      logits[place] = answers[index] ?? new Float32Array();
    }
  }
  return logits;
}

interface Machine {
  readonly session: InferenceSession;
  readonly runtime: Runtime;
  readonly pad: number;
}

async function runBatch({ session, runtime, pad }: Machine, rows: Rows): Promise<Float32Array[]> {
  const length = Math.max(...rows.map((row) => row.length));
  const ids = new BigInt64Array(rows.length * length).fill(BigInt(pad));
  const mask = new BigInt64Array(rows.length * length);
  for (const [row, tokens] of rows.entries()) {
    for (const [column, token] of tokens.entries()) {
      ids[row * length + column] = BigInt(token);
      mask[row * length + column] = 1n;
    }
  }
  const shape = [rows.length, length];
  const tensorOf = (values: BigInt64Array): Tensor =>
    new runtime.onnx.Tensor("int64", values, shape);
  const { logits } = await session.run({
    input_ids: tensorOf(ids),
    attention_mask: tensorOf(mask),
  });
  if (!isFloats(logits)) throw new TypeError("the encoder gives no logits");
  const width = logits.data.length / rows.length;
  return rows.map((_, row) => logits.data.slice(row * width, (row + 1) * width));
}

function isFloats(tensor: Tensor | undefined): tensor is TypedTensor<"float32"> {
  return tensor?.type === "float32";
}
