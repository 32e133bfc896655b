import type { EngineConfig } from "../config/config.ts";
import { EngineClient } from "../engine/client.ts";
import { identifyEngine } from "../engine/identity.ts";
import { discoverLimits } from "../engine/limits.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

const MODELS_NAMED_MAX = 8;
/** Clocks further apart than this make logs of both hard to read together. */
const CLOCK_MS_MAX = 5_000;
const CLOCK_ANSWER_MS_MAX = 5_000;

/** Whether an engine is what its config says. Every engine is asked by the gateway's own client. */
export async function engineFindings(engine: EngineConfig): Promise<Finding[]> {
  const about = `engine ${engine.name}`;
  const client = new EngineClient(engine);
  try {
    const reached = await reachFinding(about, engine, client);
    if (reached.status === "fail") return [reached];
    const [identity, limits, clock] = await Promise.all([
      identityFindings(about, engine, client),
      limitFinding(about, engine, client),
      clockFinding(about, engine),
    ]);
    return [reached, ...identity, limits, ...clock, speedFinding(about, engine)];
  } finally {
    await client.destroy();
  }
}

async function reachFinding(
  about: string,
  engine: EngineConfig,
  client: EngineClient,
): Promise<Finding> {
  const reply = await client.getText("/v1/models");
  if (reply.failure !== null) {
    const mend = `start it, or correct \`url\` (${engine.url}) and firewalls between here and there`;
    return fail(about, `cannot be reached: ${reply.failure.message}`, mend);
  }
  if (reply.status === 401 || reply.status === 403) {
    const given = engine.apiKey === null ? "no key is configured" : "it refuses the key";
    return fail(about, `answers ${reply.status}: ${given}`, "set its `apiKey`");
  }
  if (reply.status >= 500) {
    const mend = "look into its log; an engine that loads its model answers so for a while";
    return fail(about, `answers ${reply.status}`, mend);
  }
  return ok(about, `answers at ${engine.url}`);
}

async function identityFindings(
  about: string,
  engine: EngineConfig,
  client: EngineClient,
): Promise<Finding[]> {
  const identity = await identifyEngine(client);
  if (identity === null) {
    const mend = "nothing, if it serves the model; else see whether `url` is its API's base";
    return [warn(about, "does not list its models", mend)];
  }
  const { kind, models } = identity;
  const { upstreamModel } = engine;
  const named = models.slice(0, MODELS_NAMED_MAX).join(", ");
  const findings = [
    models.includes(upstreamModel)
      ? ok(about, `has the model ${upstreamModel}`)
      : fail(
          about,
          `does not list the model ${upstreamModel}; it has ${named || "none"}`,
          "set `upstreamModel` to one of these (or `model`, where both are one)",
        ),
  ];
  // What tells nothing of its kind is taken for plain `openai`.
  if (kind !== "openai" && kind !== engine.kind) {
    const message = `says that it is ${kind}, the config says ${engine.kind}`;
    findings.push(warn(about, message, `set \`kind: ${kind}\``));
  }
  return findings;
}

async function limitFinding(
  about: string,
  engine: EngineConfig,
  client: EngineClient,
): Promise<Finding> {
  const { maxConcurrency } = engine;
  const { sequences } = await discoverLimits(client);
  if (sequences === null) return ok(about, `is sent ${maxConcurrency} requests at once`);
  if (sequences > maxConcurrency) {
    const message = `runs ${sequences} requests at once, the config sends it ${maxConcurrency}`;
    return warn(about, message, `set \`maxConcurrency: ${sequences}\``);
  }
  return ok(about, `runs ${sequences} requests at once, and is sent no more`);
}

/** Nothing where the engine does not tell its time. */
async function clockFinding(about: string, engine: EngineConfig): Promise<Finding[]> {
  const headers = engine.apiKey === null ? {} : { authorization: `Bearer ${engine.apiKey}` };
  try {
    const signal = AbortSignal.timeout(CLOCK_ANSWER_MS_MAX);
    const response = await fetch(`${engine.url}/models`, { headers, signal });
    await response.body?.cancel();
    const apartMs = Math.abs(Date.now() - Date.parse(response.headers.get("date") ?? ""));
    if (Number.isNaN(apartMs)) return [];
    if (apartMs <= CLOCK_MS_MAX) return [ok(about, "has the time of this machine")];
    const message = `has a clock ${Math.round(apartMs / 1000)} s apart from this machine's`;
    return [warn(about, message, "let both machines keep their time by NTP")];
  } catch {
    return [];
  }
}

function speedFinding(about: string, engine: EngineConfig): Finding {
  if (engine.speedIsMeasured) return ok(about, "has a measured speed");
  const mend = `chimera profile ${engine.name} --write (the gateway learns it too, from its traffic)`;
  return warn(about, "has a guessed speed until requests have shown it", mend);
}
