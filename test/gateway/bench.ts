import { pino } from "pino";
import { type ConfigResult, parseWholeConfig } from "../../src/config/load.ts";
import type { ReloadResult } from "../../src/gateway/config-in-force.ts";
import type { Predictor } from "../../src/predict/port.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { type Script, ScriptedEngine } from "./scripted-engine.ts";

export interface BenchOptions {
  /** Scripts by engine; an engine's model is its name, up to a dash. */
  readonly engines: Readonly<Record<string, Script>>;
  /** Lines of YAML below `limits:`. */
  readonly limits?: Readonly<Record<string, number>>;
  /** Further keys of every engine. */
  readonly engine?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly predictor?: Predictor;
  readonly recordEventsPath?: string;
}

export interface Bench {
  readonly gateway: Gateway;
  /** Base of the API. */
  readonly url: string;
  readonly engines: Readonly<Record<string, ScriptedEngine>>;
  engine(name: string): ScriptedEngine;
  /** Reads another config in the place of the first; what is not given stays as it was. */
  reload(more: object): Promise<ReloadResult>;
}

const open: { readonly gateway: Gateway; readonly engines: readonly ScriptedEngine[] }[] = [];

/** A gateway on a free port before scripted engines, all of them known to live. */
export async function startBench(options: BenchOptions): Promise<Bench> {
  const engines: Record<string, ScriptedEngine> = {};
  const configured: object[] = [];
  for (const [name, script] of Object.entries(options.engines)) {
    const engine = await ScriptedEngine.start(script);
    engines[name] = engine;
    const model = name.split("-")[0];
    configured.push({ name, url: engine.url, model, ...options.engine });
  }
  const document = {
    listen: "127.0.0.1:0",
    engines: configured,
    store: { path: null },
    limits: options.limits ?? {},
    ...options.more,
  };
  let text = JSON.stringify(document);
  const read = (): Promise<ConfigResult> =>
    parseWholeConfig(text, { file: "test.yaml", environment: {}, flags: {} });
  const parsed = await read();
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { predictor, recordEventsPath } = options;
  const gateway = await createGateway({
    config: parsed.config,
    source: read,
    logger: pino({ level: "silent" }),
    ...(predictor === undefined ? {} : { predictor }),
    ...(recordEventsPath === undefined ? {} : { recordEventsPath }),
  });
  open.push({ gateway, engines: Object.values(engines) });
  const { url } = await gateway.listen();
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
  return {
    gateway,
    url,
    engines,
    engine: (name) => {
      const engine = engines[name];
      if (engine === undefined) throw new Error(`no engine ${name}`);
      return engine;
    },
    reload: (more) => {
      text = JSON.stringify({ ...document, ...more });
      return gateway.reload();
    },
  };
}

/** Above the longest wait of a healthy run, below the time limit of a test: a claim that never holds must not hang the run. */
const UNTIL_MS_MAX = 25_000;

/** Resolves when the claim holds; looked at in each turn of the event loop. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + UNTIL_MS_MAX;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`never held: ${holds.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Waits until nothing is left on the books; the test's time limit is the bound. */
export async function untilIdle(gateway: Gateway): Promise<void> {
  await until(() => {
    const view = gateway.view();
    return view.requests === 0 && view.engines.every((engine) => engine.inFlightTokens === 0);
  });
}

/** For `afterEach`: the books of every gateway of the test come to zero, then all is taken down. */
export async function closeBenches(): Promise<void> {
  for (const { gateway, engines } of open.splice(0)) {
    await untilIdle(gateway);
    await gateway.destroy();
    await gateway.close();
    await Promise.all(engines.map((engine) => engine.kill()));
  }
}

export interface ChatOptions {
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly path?: string;
}

export const MESSAGES: readonly object[] = [{ role: "user", content: "Say hello." }];

export function chat(bench: Bench, options: ChatOptions = {}): Promise<Response> {
  const { body, headers, signal, path = "/chat/completions" } = options;
  return fetch(`${bench.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ model: "chimera", messages: MESSAGES, ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export function streamed(bench: Bench, options: ChatOptions = {}): Promise<Response> {
  return chat(bench, { ...options, body: { stream: true, ...options.body } });
}

export interface ErrorReply {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly code: string | null;
    readonly param: string | null;
  };
}

export async function errorOf(response: Response): Promise<ErrorReply["error"]> {
  const reply: ErrorReply = JSON.parse(await response.text());
  return reply.error;
}

/** A client that leaves when it is told to. */
export function leavingClient(): { readonly signal: AbortSignal; readonly leave: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, leave: () => controller.abort() };
}
