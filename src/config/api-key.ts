import { createHash, randomBytes } from "node:crypto";

/** 256 bits of chance; nothing shorter is ever taken for a key. */
const KEY = /^ck-[A-Za-z0-9_-]{43}$/;
const HASH = /^sha256:[A-Za-z0-9_-]{43}$/;
const KEY_BYTES = 32;

export interface NewApiKey {
  /** Secret: shown once, kept nowhere. */
  readonly key: string;
  /** What the configuration holds of it. */
  readonly hash: string;
}

export function createApiKey(): NewApiKey {
  const key = `ck-${randomBytes(KEY_BYTES).toString("base64url")}`;
  return { key, hash: hashApiKey(key) };
}

/** Whether a text has the form of `createApiKey`; words that people choose never have. */
export function isApiKey(text: string): boolean {
  return KEY.test(text);
}

export function isApiKeyHash(text: string): boolean {
  return HASH.test(text);
}

/**
 * One round of SHA-256. A slow hash protects words that can be guessed; 256 random bits cannot, so that
 * a slow one would only cost every request its time and give strangers a way to spend ours.
 */
export function hashApiKey(key: string): string {
  return `sha256:${createHash("sha256").update(key).digest("base64url")}`;
}
