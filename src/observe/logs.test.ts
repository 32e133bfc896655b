import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { describe, expect, it } from "vitest";

import { createLogger, type LogLevel } from "./logs.ts";

function capture(level: LogLevel = "info") {
  const lines: string[] = [];
  const logger = createLogger(level, { write: (line) => void lines.push(line) });
  return { logger, lines };
}

describe("a logger", () => {
  it("writes one JSON object a line, from its level up", () => {
    const { logger, lines } = capture("warn");
    logger.info("no");
    logger.warn({ engine: "small", promptTokens: 3 }, "slow");
    expect(lines).toHaveLength(1);
    const { time, ...line } = JSON.parse(lines[0] ?? "");
    expect(line).toEqual({ level: "warn", engine: "small", promptTokens: 3, msg: "slow" });
    expect(new Date(time).toISOString()).toBe(time);
  });

  it("never writes secrets or content, however deep and in whatever spelling", () => {
    const { logger, lines } = capture();
    const request = {
      headers: { Authorization: "Bearer s3cret", "x-api-key": "s3cret", Cookie: "s3cret" },
      body: { messages: "s3cret" },
      choices: [{ delta: { content: "s3cret" } }],
      engines: [{ name: "small", apiKey: "s3cret", api_key: "s3cret" }],
    };
    logger.info(request, "request");
    logger.child({ apiKey: "s3cret", engine: "small" }).info({ prompt: "s3cret" }, "child");
    logger.error(Object.assign(new Error("refused"), { body: "s3cret", code: "E1" }), "error");
    logger.error({ err: new Error("outer", { cause: new Error("inner") }) });
    logger.error({ failure: Object.assign(new Error("named"), { apiKey: "s3cret" }) });
    expect(lines).toHaveLength(5);
    expect(lines.join("")).not.toContain("s3cret");
    expect(lines[0]).toContain('"name":"small"');
    expect(lines[1]).toContain('"engine":"small"');
    expect(JSON.parse(lines[2] ?? "").err).toMatchObject({
      type: "Error",
      message: "refused",
      code: "E1",
    });
    expect(JSON.parse(lines[3] ?? "").err.stack).toContain("inner");
    expect(JSON.parse(lines[4] ?? "").failure.message).toBe("named");
  });

  it("keeps what people write within its line", () => {
    const { logger, lines } = capture();
    const forged = 'x\r\n{"level":"info","msg":"forged"}\u001b[2J\u2028';
    logger.info({ workflowId: forged }, forged);
    expect(lines).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex -- they are what must not be there
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\u0000-\u001f]/);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ workflowId: forged, msg: forged });
  });

  it("survives a value that holds itself", () => {
    const { logger, lines } = capture();
    const loop: Record<string, unknown> = {};
    loop["loop"] = loop;
    logger.info(loop, "loop");
    expect(lines).toHaveLength(1);
  });

  it("writes to stderr, and all of it before the process ends", () => {
    const module = new URL("logs.ts", import.meta.url).href;
    const code = `const { createLogger } = await import(${JSON.stringify(module)});
      createLogger("info").info({ n: 1 }, "last words"); process.exit(0);`;
    const child = spawnSync(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", code],
      { encoding: "utf8", cwd: fileURLToPath(new URL("../..", import.meta.url)) },
    );
    expect(child.stdout).toBe("");
    expect(JSON.parse(child.stderr)).toMatchObject({ level: "info", n: 1, msg: "last words" });
  });
});
