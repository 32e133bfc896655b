import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { hashApiKey, isApiKey } from "../config/api-key.ts";
import type { ApiKeyConfig, Config } from "../config/config.ts";
import { isLoopbackHost } from "../config/listen.ts";
import { anonymousScope, presentedKey } from "./key-scope.ts";

/** Who sends a request. */
export interface Caller {
  /** Keeps apart what belongs to two keys. */
  readonly scope: string;
  /** null where the configuration has no keys. */
  readonly key: ApiKeyConfig | null;
}

/** Headers by which a proxy on this machine says that the request came from elsewhere. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Knows the keys of the configuration by their hashes. The index is by a MAC under a secret of this
 * process: a lookup costs the same for any number of keys, and its time says nothing that a stranger
 * could learn from, because he cannot compute what is compared.
 */
export class Callers {
  readonly #secret = randomBytes(32);
  readonly #keys = new Map<string, ApiKeyConfig>();
  #adminHash: string | null = null;

  constructor(config: Pick<Config, "keys" | "admin">) {
    this.configure(config);
  }

  /** From now on these are the keys; who has come in already stays. */
  configure({ keys, admin }: Pick<Config, "keys" | "admin">): void {
    this.#keys.clear();
    for (const key of keys) this.#keys.set(this.#indexOf(key.hash), key);
    this.#adminHash = admin.hash;
  }

  /** Whether only those who are known may come in. */
  get areKnown(): boolean {
    return this.#keys.size > 0;
  }

  /** Who sent these headers; null when keys are configured and none of them came. */
  find(headers: IncomingHttpHeaders): Caller | null {
    if (this.#keys.size === 0) return { scope: anonymousScope(headers), key: null };
    const hash = hashOf(headers);
    const key = hash === null ? undefined : this.#keys.get(this.#indexOf(hash));
    if (hash === null || key === undefined || !isSame(hash, key.hash)) return null;
    return { scope: key.name, key };
  }

  /**
   * Whether the request may look inside. Where nothing is configured everyone may; else who sends the
   * operators' token, or nothing at all from this machine: not through a proxy on it, and not a page
   * of another site that has its name point here.
   */
  isOperator({ headers, socket }: IncomingMessage): boolean {
    if (this.#keys.size === 0 && this.#adminHash === null) return true;
    const isAnonymous = headers.authorization === undefined && headers["x-api-key"] === undefined;
    if (isAnonymous) {
      const isNear = isLoopbackHost(socket.remoteAddress ?? "");
      return isNear && namesLoopback(headers.host) && FORWARDED.every((name) => !(name in headers));
    }
    const hash = hashOf(headers);
    return hash !== null && this.#adminHash !== null && isSame(hash, this.#adminHash);
  }

  #indexOf(hash: string): string {
    return createHmac("sha256", this.#secret).update(hash).digest("base64url");
  }
}

function hashOf(headers: IncomingHttpHeaders): string | null {
  const key = presentedKey(headers);
  return key === null || !isApiKey(key) ? null : hashApiKey(key);
}

/** In a time that does not depend on where two hashes differ. */
function isSame(hash: string, other: string): boolean {
  return hash.length === other.length && timingSafeEqual(Buffer.from(hash), Buffer.from(other));
}

function namesLoopback(host: string | undefined): boolean {
  return isLoopbackHost((host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1"));
}
