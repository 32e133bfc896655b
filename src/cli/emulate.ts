import { once } from "node:events";
import { startEmulator } from "../sim/emulator.ts";
import type { EmulatorOptions } from "../sim/emulator-options.ts";
import { readRecorded, type RecordedFlags } from "./played-workload.ts";
import { playbackOf } from "./playback.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { untilSignal } from "./until-signal.ts";

export interface EmulateFlags extends RecordedFlags {
  readonly engine: Omit<EmulatorOptions, "playback">;
  /** Ends when standard input does: no engine outlives the process that started it. */
  readonly withParent: boolean;
  readonly json: boolean;
}

/** `chimera emulate`: one emulated engine until it is told to stop. */
export async function emulate(flags: EmulateFlags, printer: Printer): Promise<ExitCode> {
  const { engine } = flags;
  const recorded = flags.runs.length === 0 ? undefined : await readRecorded(flags, printer);
  if (recorded === null) return 2;
  let emulator;
  try {
    const playback =
      recorded === undefined ? {} : { playback: playbackOf(recorded.workflows, engine.model) };
    emulator = await startEmulator({ ...engine, ...playback });
  } catch (error) {
    printer.say(
      `cannot start the engine: ${error instanceof Error ? error.message : String(error)}`,
    );
    return 1;
  }
  const { url, port } = emulator;
  if (flags.json) printer.out(JSON.stringify({ name: engine.name, url, port, pid: process.pid }));
  else printer.out(`emulated engine ${engine.name} (${engine.model}) at ${url}/v1`);
  const ends = [untilSignal()];
  if (flags.withParent) ends.push(once(process.stdin.resume(), "close").then(() => undefined));
  await Promise.race(ends);
  await emulator.destroy();
  // An open pipe from the parent would keep the process.
  process.stdin.destroy();
  return 0;
}
