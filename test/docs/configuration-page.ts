import { Command } from "commander";
import { z } from "zod";
import { withConfigFlags } from "../../src/cli/options.ts";
import { configChange } from "../../src/config/change.ts";
import type { Config } from "../../src/config/config.ts";
import { parseConfig } from "../../src/config/load.ts";
import { FLAG_PATHS, VARIABLES } from "../../src/config/overrides.ts";
import { configSchema } from "../../src/config/schema.ts";
import { MEANINGS } from "./configuration-meanings.ts";

type Schema = z.core.JSONSchema.BaseSchema;

/** One key that holds a value: where it stands, and what the schema says of it. */
export interface ConfigKey {
  /** Such as `engines[].speed.baseMs`. */
  readonly path: string;
  readonly values: string;
  /** As YAML; null where there is none. */
  readonly default: string | null;
  /** Such as "required", or "required in `listen.tls`"; null where it may be left out. */
  readonly requirement: string | null;
}

const WIDTH = 140;

const TITLES: Readonly<Record<string, string>> = {
  listen: "Where it listens",
  keys: "API keys, a list",
  admin: "Operators",
  engines: "Engines, a list",
  models: "Virtual models, a list; `chimera`, over all models, is always there",
  policy: "Policy",
  prediction: "Prediction",
  limits: "Limits",
  store: "Trace store",
  log: "Log",
  seed: "Chance",
};

const HEAD = `# Configuration

Every key of \`chimera.yaml\`, as \`npm run docs\` writes it from the schema. Only \`engines\` must be given:

\`\`\`yaml
engines:
  - { url: http://127.0.0.1:8001/v1, model: small }
  - { url: http://127.0.0.1:8002/v1, model: large, confidence: 0.7, maxConcurrency: 16 }
\`\`\`

\`chimera check --config FILE\` names all mistakes at once, and with \`--json\` prints the complete config with its secrets masked. In a
value, \`\${NAME}\` is replaced by the environment's NAME (\`$\${NAME}\` is the text itself). Flags beat the environment, which beats the
file; the word \`off\` there stands for null. \`listen\` may also be a port or \`host:port\`, as in
\`CHIMERA_LISTEN\` and \`--listen\`; \`--port\` replaces the port alone.
[chimera.example.yaml](../chimera.example.yaml) shows all keys in one file. Of each key: its default, what it is for, which values it
takes, what else sets it. _At the start_: a running gateway keeps the value that it was started with.
`;

/** Every key that holds a value, in the order of the schema. */
export function configKeys(): ConfigKey[] {
  const root = z.toJSONSchema(configSchema, { io: "output", unrepresentable: "any" });
  const keys: ConfigKey[] = [];
  const visit = (schema: Schema, path: string, requirement: string | null): void => {
    const { type, items, properties, required = [] } = withoutNull(schema);
    const canBeAbsent = requirement === null || withoutNull(schema) !== schema;
    const needed = canBeAbsent ? `required in \`${path}\`` : "required";
    const fields = Object.entries(properties ?? {});
    if (type === "object" && fields.length > 0) {
      for (const [name, field] of fields) {
        const at = path === "" ? name : `${path}.${name}`;
        if (typeof field === "object") visit(field, at, required.includes(name) ? needed : null);
      }
    } else if (isMappings(items)) visit(items, `${path}[]`, "required");
    else keys.push(keyOf(schema, path, requirement));
  };
  visit(root, "", "required");
  return keys;
}

/** The page as it is committed. */
export function configurationPage(): string {
  const keys = configKeys();
  const sections = [...new Set(keys.map(sectionOf))].map((section) => {
    const own = keys.filter((key) => sectionOf(key) === section);
    return `## ${TITLES[section] ?? section}\n\n${own.map(entryOf).join("\n")}\n`;
  });
  return [HEAD, ...sections].join("\n");
}

function sectionOf({ path }: ConfigKey): string {
  return path.split(/[.[]/)[0] ?? "";
}

function entryOf(key: ConfigKey): string {
  const { path, values, requirement } = key;
  const known = key.default === null ? requirement : `\`${key.default}\``;
  const setting = known === null ? "" : ` (${known})`;
  const others = settersOf(path);
  const parts = [`- \`${path}\`${setting}: ${MEANINGS[path] ?? ""}.`, `${capital(values)}.`];
  if (others.length > 0) parts.push(`Also ${others.map((name) => `\`${name}\``).join(", ")}.`);
  if (isReadAtStart(path)) parts.push("_At the start._");
  return wrapped(parts.join(" "));
}

function keyOf(schema: Schema, path: string, requirement: string | null): ConfigKey {
  const value = withoutNull(schema);
  const values = value.enum?.map((each) => `\`${String(each)}\``).join(", ") ?? valuesOf(value);
  const canBeNull = value !== schema && !values.includes("null");
  return {
    path,
    values: canBeNull ? `${values}, or null` : values,
    default: schema.default === undefined ? null : JSON.stringify(schema.default),
    requirement,
  };
}

/** What a value must be; a number's or a name's description goes on with what it means. */
function valuesOf({ description = "" }: Schema): string {
  return description.replace(/^((?:a number|a whole number|text of at most)[^,]*), .*$/, "$1");
}

function withoutNull(schema: Schema): Schema {
  const other = schema.anyOf?.find((each) => each.type !== "null");
  return other ?? schema;
}

function isMappings(items: Schema["items"]): items is Schema {
  return typeof items === "object" && !Array.isArray(items) && items.type === "object";
}

/** Variables of the environment, and flags of the commands that serve. */
function settersOf(path: string): string[] {
  const flags = withConfigFlags(new Command()).options.map(({ long }) => long);
  return [
    ...VARIABLES.filter((each) => each.path.join(".") === path).map(({ name }) => name),
    ...FLAG_PATHS.filter(([, flag, at]) => at.join(".") === path && flags.includes(flag)).map(
      ([, flag]) => flag,
    ),
  ];
}

/** Whether a running gateway keeps the value that it was started with. */
function isReadAtStart(path: string): boolean {
  const running = minimalConfig();
  const [section = "", key] = path.split(".");
  const before: unknown = Reflect.get(running, section);
  if (Array.isArray(before) || section.includes("[")) return false;
  const other = {};
  const after = key === undefined ? other : Object.assign({}, before, { [key]: other });
  return configChange(running, { ...running, [section]: after }).kept.length > 0;
}

function minimalConfig(): Config {
  const text = "engines: [{ url: http://127.0.0.1:8001, model: small }]";
  const parsed = parseConfig(text, { file: "minimal", environment: {}, flags: {} });
  if (!parsed.ok) throw new Error("the smallest config is refused");
  return parsed.config;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** A list's entry in lines of a readable width. */
function wrapped(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    // A number with a dot would begin a list.
    if (line.length + word.length >= WIDTH && !/^\d+\.$/.test(word)) {
      lines.push(line);
      line = " ";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].join("\n");
}
