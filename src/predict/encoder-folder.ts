import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fault, type Decoded } from "../learn/model-file.ts";
import { MANIFEST_FILE, readManifest, type EncoderManifest } from "./encoder-manifest.ts";

/** An encoder's folder whose files are those that its manifest was written for. */
export interface EncoderFolder {
  readonly manifest: EncoderManifest;
  readonly modelPath: string;
  /** `tokenizer.json`, parsed. */
  readonly tokenizer: object;
}

/** Reads and checks a folder; one that is damaged or of another version is refused. Never rejects. */
export async function readEncoderFolder(folder: string): Promise<Decoded<EncoderFolder>> {
  try {
    return await readWhole(folder);
  } catch (error) {
    return fault("damaged", error instanceof Error ? error.message : String(error));
  }
}

async function readWhole(folder: string): Promise<Decoded<EncoderFolder>> {
  const read = readManifest(await readFile(path.join(folder, MANIFEST_FILE), "utf8"));
  if (!read.ok) return read;
  const manifest = read.value;
  for (const { file, sha256 } of [manifest.model, manifest.tokenizer]) {
    if ((await sha256Of(path.join(folder, file))) !== sha256) {
      return fault("damaged", `the checksum of ${file} does not match`);
    }
  }
  const text = await readFile(path.join(folder, manifest.tokenizer.file), "utf8");
  const tokenizer: unknown = JSON.parse(text);
  if (typeof tokenizer !== "object" || tokenizer === null) {
    return fault("damaged", `${manifest.tokenizer.file} is no tokenizer`);
  }
  const modelPath = path.join(folder, manifest.model.file);
  return { ok: true, value: { manifest, modelPath, tokenizer } };
}

/** A file of gigabytes goes through piece by piece. */
async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(file)) hash.update(piece);
  return hash.digest("hex");
}
