import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../src/config/load.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy");

const composeSchema = z.object({ services: z.record(z.string(), z.unknown()) });

it.each([".", "vllm"])(
  "the config in %s is accepted, and its engines are services",
  async (folder) => {
    const file = join(DEPLOY, folder, "chimera.yaml");
    const sources = { file, environment: {}, flags: {} };
    const parsed = parseConfig(await readFile(file, "utf8"), sources);
    expect(parsed).toMatchObject({ ok: true });
    if (!parsed.ok) return;
    const compose = await readFile(join(DEPLOY, folder, "compose.yaml"), "utf8");
    const { services } = composeSchema.parse(parse(compose, { merge: true }));
    for (const { url } of parsed.config.engines) {
      expect(Object.keys(services)).toContain(new URL(url).hostname);
    }
  },
);
