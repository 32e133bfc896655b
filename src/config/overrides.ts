import { POLICIES } from "../core/policies.ts";
import type { Target } from "../core/types.ts";
import type { Environment } from "./environment.ts";
import { formatListen, parseListen, DEFAULT_HOST } from "./listen.ts";
import { fieldOf, textOf } from "./plain-value.ts";
import { isPolicyFile } from "./policy-file.ts";
import { closestWord, formatPath, type ConfigProblem } from "./problem.ts";
import type { KeyPath } from "./schema-walk.ts";

/** What the command line may say; a flag beats the environment, which beats the file. */
export interface ConfigFlags {
  readonly listen?: string | undefined;
  /** Replaces the port of `listen` alone. */
  readonly port?: string | number | undefined;
  /** Accepts that others reach the address although there are no keys. */
  readonly open?: boolean | undefined;
  readonly logLevel?: string | undefined;
  readonly seed?: string | number | undefined;
  /** A policy by name, or the file of its module; replaces the file's whole `policy`. */
  readonly policy?: string | undefined;
  readonly choice?: string | undefined;
  readonly order?: string | undefined;
  readonly price?: string | number | undefined;
  readonly target?: Target | undefined;
  /** Relative to the working directory; "off" for none. */
  readonly lengthModel?: string | undefined;
  readonly routerModel?: string | undefined;
  /** "off" for no store. */
  readonly store?: string | undefined;
}

interface Variable {
  readonly name: string;
  readonly path: readonly [string, ...string[]];
  /** Whether the word "off" stands for null. */
  readonly canBeOff?: true;
}

/** Every variable that sets a key. Kubernetes sets CHIMERA_PORT and others of its own, so that name is not ours. */
export const VARIABLES: readonly Variable[] = [
  { name: "CHIMERA_LISTEN", path: ["listen"] },
  { name: "CHIMERA_LISTEN_OPEN", path: ["listen", "open"] },
  { name: "CHIMERA_LOG_LEVEL", path: ["log", "level"] },
  { name: "CHIMERA_SEED", path: ["seed"] },
  { name: "CHIMERA_CHOICE", path: ["policy", "choice"] },
  { name: "CHIMERA_ORDER", path: ["policy", "order"] },
  { name: "CHIMERA_PRICE", path: ["policy", "price"] },
  { name: "CHIMERA_SLACK", path: ["policy", "slack"], canBeOff: true },
  { name: "CHIMERA_MIN_GAIN", path: ["policy", "minGain"] },
  { name: "CHIMERA_PREDICTION_BUDGET_MS", path: ["prediction", "budgetMs"] },
  { name: "CHIMERA_QUEUE_REQUESTS_MAX", path: ["limits", "queueRequestsMax"] },
  { name: "CHIMERA_QUEUE_WAIT_MS_MAX", path: ["limits", "queueWaitMsMax"] },
  { name: "CHIMERA_STORE_PATH", path: ["store", "path"], canBeOff: true },
];

export const FLAG_PATHS: readonly [
  Exclude<keyof ConfigFlags, "port" | "policy">,
  string,
  readonly [string, ...string[]],
][] = [
  ["listen", "--listen", ["listen"]],
  ["open", "--open", ["listen", "open"]],
  ["logLevel", "--log-level", ["log", "level"]],
  ["seed", "--seed", ["seed"]],
  ["choice", "--choice", ["policy", "choice"]],
  ["order", "--order", ["policy", "order"]],
  ["price", "--price", ["policy", "price"]],
  ["target", "--target", ["policy", "target"]],
  ["lengthModel", "--length-model", ["prediction", "lengthModel"]],
  ["routerModel", "--router-model", ["prediction", "routerModel"]],
  ["store", "--store", ["store", "path"]],
];

/** Flags whose word "off" stands for null. */
const CAN_BE_OFF: ReadonlySet<keyof ConfigFlags> = new Set(["lengthModel", "routerModel", "store"]);

export interface Overridden {
  readonly value: unknown;
  /** For each overridden path, as text, what set it. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Lays the environment and the flags over a file's value, which is not changed. */
export function override(value: unknown, environment: Environment, flags: ConfigFlags): Overridden {
  const sources = new Map<string, string>();
  let result = withListenMapping(value);
  const set = (path: readonly [string, ...string[]], item: unknown, source: string): void => {
    const isAddress = path.length === 1 && path[0] === "listen";
    result = isAddress ? withAddress(result, item) : withValueAt(result, path, item);
    sources.set(formatPath(path), source);
  };
  for (const { name, path, canBeOff } of VARIABLES) {
    const text = environment[name];
    if (text === undefined || text === "") continue;
    set(path, canBeOff && text === "off" ? null : text, `environment variable ${name}`);
  }
  if (flags.policy !== undefined) {
    result = withValueAt(result, ["policy"], {});
    for (const [key, item] of Object.entries(policyValue(flags.policy))) {
      set(["policy", key], item, "flag --policy");
    }
  }
  for (const [key, flag, path] of FLAG_PATHS) {
    const item = flags[key];
    if (item === undefined) continue;
    set(path, CAN_BE_OFF.has(key) && item === "off" ? null : item, `flag ${flag}`);
  }
  if (flags.port !== undefined) set(["listen"], withPort(result, flags.port), "flag --port");
  return { value: result, sources };
}

/** As the file could have said it; nothing of a name that is not known. */
function policyValue(policy: string): object {
  return isPolicyFile(policy) ? { file: policy } : (POLICIES[policy] ?? {});
}

export function policyFlagProblems({ policy }: ConfigFlags): ConfigProblem[] {
  if (policy === undefined || isPolicyFile(policy) || POLICIES[policy] !== undefined) return [];
  const known = Object.keys(POLICIES).join(", ");
  const message = `there is no policy "${policy}"; there are ${known}, or give the path of a file`;
  return [{ source: "flag --policy", line: null, column: null, path: "", message }];
}

/** A variable that is nearly one of ours is a mistake; one that is not near belongs to others. */
export function variableProblems(environment: Environment): ConfigProblem[] {
  const known = VARIABLES.map(({ name }) => name.slice("CHIMERA_".length));
  return Object.keys(environment).flatMap((name) => {
    if (!name.startsWith("CHIMERA_")) return [];
    const word = name.slice("CHIMERA_".length);
    const close = closestWord(word, known);
    if (known.includes(word) || close === null || word === "PORT") return [];
    return {
      source: `environment variable ${name}`,
      line: null,
      column: null,
      path: "",
      message: `is not a known variable; did you mean CHIMERA_${close}?`,
    };
  });
}

function withPort(value: unknown, port: string | number): string {
  const host = textOf(fieldOf(value, "listen"), "host");
  return formatListen(host ?? DEFAULT_HOST, port);
}

/** So that the parts of an address can be set one by one, however it was written. */
function withListenMapping(value: unknown): unknown {
  const address = parseListen(fieldOf(value, "listen"));
  return address === null ? value : withValueAt(value, ["listen"], address);
}

/** Host and port are replaced together; what else the file says of the listener stays. */
function withAddress(value: unknown, item: unknown): unknown {
  const address = parseListen(item);
  if (address === null) return withValueAt(value, ["listen"], item);
  const host = withValueAt(value, ["listen", "host"], address.host);
  return withValueAt(host, ["listen", "port"], address.port);
}

/** A copy with one value replaced; what is no mapping stays as it is, for the schema to complain about. */
function withValueAt(value: unknown, path: KeyPath, item: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return item;
  const mapping = value ?? {};
  if (typeof mapping !== "object" || Array.isArray(mapping)) return value;
  const inner: unknown = Object.hasOwn(mapping, key) ? Reflect.get(mapping, key) : undefined;
  return { ...mapping, [key]: withValueAt(inner, rest, item) };
}
