import type { Feature } from "./feature.ts";

/** What a client is asked for, beside one user's message. What is left out is off. */
export interface Ask {
  readonly streams?: boolean;
  readonly model?: string;
  /** A function `look` that takes `{ at: string }`. */
  readonly tool?: boolean;
  /** An object `{ city: string }` as the answer. */
  readonly schema?: boolean;
  /** A PNG in base64. */
  readonly image?: string;
  readonly choices?: number;
  readonly logprobs?: boolean;
  readonly signal?: AbortSignal;
  /** Called for each piece of a streamed text. */
  readonly onText?: (text: string) => void;
}

export interface Answer {
  /** One for each choice. */
  readonly texts: readonly string[];
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  readonly usage: { readonly input: number; readonly output: number } | null;
  /** Of each token of the first choice. */
  readonly logprobs: readonly number[];
}

export interface Target {
  /** Base of the API, with `/v1`. */
  readonly url: string;
  /** Default headers of the client. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Left out: the client's own default. */
  readonly retries?: number;
}

/** A client library as all tests drive it; `test/clients/matrix.client.ts` runs the same claims on each. */
export interface Client {
  /** Package and version. */
  readonly name: string;
  /** Features that the library does not have, and what it has instead. */
  readonly lacks: Readonly<Partial<Record<Feature, string>>>;
  models(target: Target): Promise<readonly string[]>;
  ask(target: Target, ask: Ask): Promise<Answer>;
  /** Whether the error is of the class that the library has for the status; null for one in mid-stream. */
  isOwnError(error: unknown, status: number | null): boolean;
  /** Idempotent. */
  close?(): Promise<void>;
}

export const API_KEY = "client-key";
export const QUESTION = "Say hello.";

export const TOOL_SCHEMA: {
  readonly type: "object";
  readonly properties: { readonly at: { readonly type: "string" } };
  readonly required: ["at"];
  readonly additionalProperties: false;
} = {
  type: "object",
  properties: { at: { type: "string" } },
  required: ["at"],
  additionalProperties: false,
};

export const ANSWER_SCHEMA: {
  readonly type: "object";
  readonly properties: { readonly city: { readonly type: "string" } };
  readonly required: ["city"];
  readonly additionalProperties: false;
} = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
