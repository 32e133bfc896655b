import type { FoundEngine } from "./engine-search.ts";

/** One engine of a config that is being written. */
export interface WrittenEngine {
  readonly found: FoundEngine;
  /** As the engine calls it. */
  readonly model: string;
  /** Share of tasks that it is expected to solve; null: not known. */
  readonly confidence: number | null;
}

/** Models of one engine that are written out; the rest is named in a comment. */
export const MODELS_WRITTEN_MAX = 4;

const NAMED_MAX = 12;
/** What the config takes for a name. */
const NAME = /^[\x21-\x7e]{1,128}$/;

/** Models of an engine that a config can name, the first `MODELS_WRITTEN_MAX` of them. */
export function writableModels({ models }: FoundEngine): string[] {
  return models.filter((model) => NAME.test(model)).slice(0, MODELS_WRITTEN_MAX);
}

/** The name for clients: a file's path is no name. */
export function clientModel(model: string): string {
  const file = model.startsWith("/") ? model.split("/").findLast((part) => part !== "") : undefined;
  return file?.replace(/\.gguf$/, "") ?? model;
}

/** A commented config for what was found; with nothing found, one that says what to fill in. */
export function configText(engines: readonly WrittenEngine[], listen: string): string {
  return [
    "# What Chimera needs to know. Every other key, with its default: chimera.example.yaml.",
    "# Mistakes: `chimera check`. What is wrong with the engines: `chimera doctor`.",
    "",
    `listen: ${listen} # only this machine; others need keys first: \`chimera key new\``,
    "",
    "engines:",
    ...(engines.length === 0 ? PLACEHOLDER : engines.flatMap(engineLines)),
    ...othersLines(engines),
    "",
    "policy:",
    "  choice: auto # each request goes where its confidence is worth the time that it costs",
    "  price: 0.2 # smaller: better answers; larger: sooner ones",
    "",
    "# Decisions and lengths of what was served, to explain and to learn from. No prompts unless asked for.",
    'store: { path: "./.chimera/traces.db", prompts: false }',
    "",
  ].join("\n");
}

const PLACEHOLDER: readonly string[] = [
  "  # No engine answered: put the base of one's OpenAI API here, and the model that it serves.",
  "  - url: http://127.0.0.1:8000/v1",
  "    model: my-model",
];

function engineLines({ found, model, confidence }: WrittenEngine): string[] {
  const { url, kind, sequences, keyVariable } = found;
  const name = clientModel(model);
  const lines = [
    `  - url: ${JSON.stringify(url)}`,
    `    model: ${JSON.stringify(name)}${name === model ? "" : " # for clients"}`,
  ];
  if (name !== model) lines.push(`    upstreamModel: ${JSON.stringify(model)}`);
  lines.push(
    `    kind: ${kind}`,
    confidence === null
      ? "    confidence: 0.5 # a guess: the share of your tasks that it solves; say it, models are compared by it"
      : `    confidence: ${confidence} # the share of your tasks that it solves`,
    sequences === null
      ? "    maxConcurrency: 16 # a guess: the requests that it runs at once"
      : `    maxConcurrency: ${sequences} # as it says itself`,
  );
  if (keyVariable !== null) lines.push(`    apiKey: "\${${keyVariable}}"`);
  return lines;
}

function othersLines(engines: readonly WrittenEngine[]): string[] {
  const lines: string[] = [];
  for (const found of new Set(engines.map((each) => each.found))) {
    const written = new Set(
      engines.filter((each) => each.found === found).map(({ model }) => model),
    );
    const others = found.models.filter((model) => !written.has(model));
    if (others.length === 0) continue;
    const named = others.slice(0, NAMED_MAX).map((model) => JSON.stringify(model));
    const more = others.length > NAMED_MAX ? ` and ${others.length - NAMED_MAX} more` : "";
    lines.push(`  # ${found.url} also has ${named.join(", ")}${more}`);
  }
  return lines;
}
