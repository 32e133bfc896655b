import { type Emulator, startEmulator } from "../../src/sim/emulator.ts";

const SPEED = { baseMs: 8, perSequenceMs: 0.5, perKvTokenMs: 0, perPromptTokenMs: 0.001 };
/** Room for a prompt of 1 MB. */
const KV_TOKENS = 2_000_000;
const CHUNK_TOKENS = 100_000;

/** Quick emulated engines, one a model, and their entries in a config. The caller ends them. */
export async function startEmulatedEngines(
  models: readonly string[],
): Promise<{ readonly emulators: Emulator[]; readonly engines: object[] }> {
  const emulators: Emulator[] = [];
  const engines: object[] = [];
  for (const model of models) {
    const emulator = await startEmulator({
      ...SPEED,
      name: model,
      model,
      maxModelLen: KV_TOKENS,
      maxSequences: 16,
      kvTokens: KV_TOKENS,
      chunkTokens: CHUNK_TOKENS,
      prefixCache: true,
      speedup: 200,
      queueRequestsMax: 1000,
      order: "fcfs",
      seed: 1,
    });
    emulators.push(emulator);
    const server = { url: `${emulator.url}/v1`, model, kind: "vllm", kvTokens: KV_TOKENS };
    engines.push({ ...server, speed: SPEED });
  }
  return { emulators, engines };
}
