import {
  destination,
  pino,
  stdSerializers,
  type DestinationStream,
  type Logger,
  type LoggerOptions,
} from "pino";

export type { Logger };

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

const REDACTED = "[redacted]";
const DEPTH_MAX = 6;
const STDERR = 2;

/** Keys, in lower case and without dashes, whose values are secrets or what people wrote. */
const PRIVATE_KEYS: ReadonlySet<string> = new Set([
  "authorization",
  "proxyauthorization",
  "apikey",
  "xapikey",
  "key",
  "cookie",
  "setcookie",
  "password",
  "secret",
  "body",
  "content",
  "input",
  "messages",
  "prompt",
  "system",
  "text",
  "tools",
]);

/** Fields of child loggers pass no formatter in pino; these are the names that ours could give them. */
const CHILD_PATHS = ["apiKey", "authorization", "body", "content", "messages", "prompt", "text"];

const OPTIONS: LoggerOptions = {
  base: null,
  timestamp: () => `,"time":"${new Date().toISOString()}"`,
  formatters: { level: (label) => ({ level: label }), log: (fields) => redactFields(fields) },
  // The formatter has made plain objects of errors.
  serializers: { err: (error: unknown) => error },
  redact: { paths: CHILD_PATHS.flatMap((path) => [path, `*.${path}`]), censor: REDACTED },
};

/**
 * A logger of JSON lines, to stderr unless another place is given. Secrets and content are replaced
 * wherever they stand in what is logged; the message itself is written as it is.
 */
export function createLogger(
  level: LogLevel,
  stream: DestinationStream = destination({ dest: STDERR, sync: true }),
): Logger {
  return pino({ ...OPTIONS, level }, stream);
}

function redactFields(fields: object, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => {
      const isPrivate = PRIVATE_KEYS.has(key.toLowerCase().replaceAll(/[-_]/g, ""));
      return [key, isPrivate ? REDACTED : redact(value, depth + 1)];
    }),
  );
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH_MAX) return REDACTED;
  if (value instanceof Error) return redactFields({ ...stdSerializers.err(value) }, depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return redactFields(value, depth);
}
