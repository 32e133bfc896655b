import type { Config } from "../config/config.ts";
import type { ConfigFlags } from "../config/overrides.ts";
import { createGateway } from "../gateway/server.ts";
import { readConfig } from "./check.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { untilSignal } from "./until-signal.ts";

export interface ServeFlags extends ConfigFlags {
  readonly config: string;
  readonly recordEvents: string | undefined;
}

/** `chimera serve`: the gateway in front of the engines of a config, until it is told to stop. */
export async function serve(flags: ServeFlags, printer: Printer): Promise<ExitCode> {
  const { config: file, recordEvents, ...overrides } = flags;
  const config = await readConfig(file, overrides, printer);
  if (config === null) return 2;
  return serveConfig(
    config,
    { recordEvents: recordEvents ?? null, ready: () => undefined },
    printer,
  );
}

export interface ServeHooks {
  readonly recordEvents: string | null;
  /** Called with the base of the API once it listens. */
  readonly ready: (url: string) => void;
}

/** Serves a config until a signal comes; running requests may end first. */
export async function serveConfig(
  config: Config,
  hooks: ServeHooks,
  printer: Printer,
): Promise<ExitCode> {
  let gateway;
  let url;
  try {
    gateway = await createGateway({ config, recordEventsPath: hooks.recordEvents });
    ({ url } = await gateway.listen());
  } catch (error) {
    printer.say(`cannot serve: ${reasonOf(error, config)}`);
    return 1;
  }
  printer.out(`gateway at ${url}`);
  hooks.ready(url);
  await untilSignal();
  printer.say("stopping: running requests may end; a second Ctrl-C ends them");
  await gateway.close();
  return 0;
}

function reasonOf(error: unknown, config: Config): string {
  const code = error instanceof Error && "code" in error ? error.code : null;
  const { host, port } = config.listen;
  if (code === "EADDRINUSE") {
    return `port ${port} of ${host} is taken; give another with --port or \`listen\``;
  }
  if (code === "EACCES") return `no permission to listen on port ${port} of ${host}`;
  return error instanceof Error ? error.message : String(error);
}
