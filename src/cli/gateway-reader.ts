/** What a running gateway said; a refusal is a sentence. Status 0: it could not be reached. */
export type GatewayReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: number; readonly message: string };

/** Longest wait for an answer. */
const ANSWER_MS_MAX = 10_000;

/** Variable with the key, or the operators' token, that the gateway is shown. */
export const TOKEN_VARIABLE = "CHIMERA_TOKEN";

/** Asks a running gateway what it tells of itself. */
export class GatewayReader {
  /** Without the API's `/v1`. */
  readonly root: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `token`: a client's key or the operators' token; null for none. */
  constructor(url: string, token: string | null) {
    this.root = url.replace(/\/+$/, "").replace(/\/v1$/, "");
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** What `path` tells. Never rejects. */
  async get<T>(path: string, signal?: AbortSignal): Promise<GatewayReply<T>> {
    const late = AbortSignal.timeout(ANSWER_MS_MAX);
    const ends = signal === undefined ? late : AbortSignal.any([late, signal]);
    try {
      const response = await fetch(this.root + path, { headers: this.#headers, signal: ends });
      const text = await response.text();
      if (response.ok) return { ok: true, value: JSON.parse(text) };
      return { ok: false, status: response.status, message: this.#refusal(response.status) };
    } catch (error) {
      const reason = reasonOf(error);
      return { ok: false, status: 0, message: `no gateway answers at ${this.root}: ${reason}` };
    }
  }

  #refusal(status: number): string {
    if (status === 401 || status === 403) {
      return `${this.root} asks for a key: set ${TOKEN_VARIABLE} to a client's key or the operators' token`;
    }
    return `${this.root} answered with status ${status}`;
  }
}

/** The token of the environment, or null. */
export function tokenOf(environment: Readonly<Record<string, string | undefined>>): string | null {
  const token = environment[TOKEN_VARIABLE];
  return token === undefined || token === "" ? null : token;
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
