import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { EngineConfig } from "../config/config.ts";
import { withEngineSpeed } from "../config/speed-edit.ts";
import type { Speed } from "../core/types.ts";
import { EngineClient } from "../engine/client.ts";
import { identifyEngine } from "../engine/identity.ts";
import { type Profile, profileEngine } from "../engine/profile.ts";
import { readConfig } from "./check.ts";
import { engineOf } from "./engine-probe.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { untilSignal } from "./until-signal.ts";

export interface ProfileFlags {
  /** URL of an engine, or the name of one in the config. */
  readonly engine: string;
  readonly config: string;
  /** The model's name on the engine, for a URL; else the first that it lists. */
  readonly model: string | undefined;
  readonly sequencesMax: number | undefined;
  readonly outputTokens: number;
  readonly repeats: number;
  readonly tokensMax: number;
  readonly secondsMax: number;
  /** Where an engine file for the simulator is written. */
  readonly engineFile: string | undefined;
  /** Whether the speed is written into the config. */
  readonly write: boolean;
  readonly json: boolean;
}

/** `chimera profile`: measures an engine with real requests and fits its table. */
export async function profile(flags: ProfileFlags, printer: Printer): Promise<ExitCode> {
  const isUrl = /^https?:\/\//.test(flags.engine);
  if (isUrl && flags.write) {
    printer.say("--write needs the name of an engine in the config, not a URL");
    return 2;
  }
  const engine = isUrl ? await engineAt(flags, printer) : await configured(flags, printer);
  if (engine === null) return isUrl ? 1 : 2;
  const measured = await measure(engine, flags, printer);
  if (measured === null) return 1;
  const speed = rounded(measured.speed);
  if (flags.json) printer.out(JSON.stringify({ engine: engine.name, ...measured, speed }));
  else print(engine.name, measured, printer);
  if (flags.engineFile !== undefined) {
    await writeFile(flags.engineFile, engineFileOf(engine, measured, speed));
    printer.say(`wrote ${flags.engineFile}`);
  }
  return flags.write ? await writeSpeed(flags, engine.name, speed, printer) : 0;
}

async function configured(flags: ProfileFlags, printer: Printer): Promise<EngineConfig | null> {
  const config = await readConfig(flags.config, {}, printer);
  const engine = config?.engines.find(({ name }) => name === flags.engine) ?? null;
  if (config !== null && engine === null) {
    const known = config.engines.map(({ name }) => name).join(", ");
    printer.say(`${flags.config} has no engine "${flags.engine}"; it has ${known}`);
  }
  return engine;
}

/** What the URL serves, as if it had been configured. */
async function engineAt(flags: ProfileFlags, printer: Printer): Promise<EngineConfig | null> {
  const unknown = engineOf({ url: flags.engine, model: flags.model ?? "unknown" });
  if (unknown === null) {
    printer.say(`${flags.engine} is not the URL of an API`);
    return null;
  }
  const client = new EngineClient(unknown);
  const identity = await identifyEngine(client);
  await client.destroy();
  const model = flags.model ?? identity?.models[0];
  if (identity !== null && model !== undefined) {
    return engineOf({ url: flags.engine, model, kind: identity.kind });
  }
  printer.say(`${flags.engine} does not list its models: is the engine up? (or give --model)`);
  return flags.model === undefined ? null : unknown;
}

/** Says why and answers null when it cannot be measured. The first signal ends it. */
async function measure(
  engine: EngineConfig,
  flags: ProfileFlags,
  printer: Printer,
): Promise<Profile | null> {
  const client = new EngineClient(engine);
  const stop = new AbortController();
  void untilSignal().then(() => stop.abort());
  const result = await profileEngine(client, {
    sequencesMax: flags.sequencesMax ?? engine.maxConcurrency,
    outputTokens: flags.outputTokens,
    repeats: flags.repeats,
    tokensMax: flags.tokensMax,
    timeMsMax: flags.secondsMax * 1000,
    signal: stop.signal,
    nonce: randomBytes(4).toString("hex"),
    onProgress: (doing) => printer.progress(`${engine.name}: ${doing}`),
  });
  await client.destroy();
  if (result.ok) return result.profile;
  printer.say(`${engine.name}: ${result.message}`);
  return null;
}

const DIGITS = 4;

function rounded(speed: Speed): Speed {
  return {
    baseMs: round(speed.baseMs),
    perSequenceMs: round(speed.perSequenceMs),
    perKvTokenMs: round(speed.perKvTokenMs),
    perPromptTokenMs: round(speed.perPromptTokenMs),
  };
}

function round(ms: number): number {
  return Number(ms.toPrecision(DIGITS));
}

function print(name: string, profile: Profile, printer: Printer): void {
  printer.out(" batch  prompt  output  measured ms  fitted ms  residual  ms per token");
  for (const [index, point] of profile.points.entries()) {
    const fittedMs = profile.fittedMs[index] ?? 0;
    const residual = (100 * (fittedMs - point.measuredMs)) / point.measuredMs;
    const cells = [
      point.batch.toFixed(1).padStart(6),
      point.promptTokens.toFixed(0).padStart(7),
      point.outputTokens.toFixed(0).padStart(7),
      point.measuredMs.toFixed(1).padStart(12),
      fittedMs.toFixed(1).padStart(10),
      `${residual.toFixed(1)} %`.padStart(9),
      (point.measuredMs / point.outputTokens).toFixed(2).padStart(13),
    ];
    printer.out(cells.join(" "));
  }
  const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = rounded(profile.speed);
  printer.out(
    `${name}: an iteration lasts ${baseMs} ms + ${perSequenceMs} per sequence + ${perKvTokenMs} per KV token ` +
      `+ ${perPromptTokenMs} per prompt token; a request costs ${profile.requestMs.toFixed(1)} ms beside them`,
  );
  printer.out(`${profile.tokensUsed} tokens used${profile.isComplete ? "" : "; CUT SHORT"}`);
}

function engineFileOf(engine: EngineConfig, profile: Profile, speed: Speed): string {
  const { kvTokens } = profile.limits;
  const entry = {
    name: engine.name,
    model: engine.model,
    maxSequences: profile.sequences,
    kvTokens: kvTokens ?? engine.kvTokens,
    ...speed,
  };
  return stringify({ engines: [entry] });
}

async function writeSpeed(
  flags: ProfileFlags,
  name: string,
  speed: Speed,
  printer: Printer,
): Promise<ExitCode> {
  const config = await readConfig(flags.config, {}, printer);
  const index = config?.engines.findIndex((engine) => engine.name === name) ?? -1;
  const text =
    index < 0 ? null : withEngineSpeed(await readFile(flags.config, "utf8"), index, speed);
  if (text === null) {
    printer.say(
      `${flags.config}: engine ${name} is not written there by itself; set its speed by hand`,
    );
    return 1;
  }
  // Whoever watches the file never sees half of it.
  const fresh = `${flags.config}.new`;
  await writeFile(fresh, text);
  await rename(fresh, flags.config);
  printer.say(`wrote the speed of ${name} into ${flags.config}`);
  return 0;
}
