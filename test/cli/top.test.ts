import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { Screen } from "../../src/cli/screen.ts";
import { top } from "../../src/cli/top.ts";
import { chat, closeBenches, startBench, until } from "../gateway/bench.ts";
import { HELLO, stream } from "../gateway/scripted-engine.ts";
import { KeptPrinter } from "./kept-printer.ts";

afterEach(closeBenches);

const engines = { small: stream(...HELLO), large: stream(...HELLO) };
const root = fileURLToPath(new URL("../../", import.meta.url));

/** A terminal that keeps what was written to it. */
class KeptTerminal {
  readonly isTTY = true;
  readonly columns = 100;
  readonly rows = 30;
  text = "";

  write(text: string): void {
    this.text += text;
  }
}

async function look(
  url: string,
  more: { readonly json?: boolean; readonly screen?: Screen; readonly looks?: number } = {},
): Promise<{ code: number; printer: KeptPrinter }> {
  const printer = new KeptPrinter();
  const { json = false, screen = null, looks = 1 } = more;
  const flags = { url, periodMs: 0, looks, decisions: 5, json };
  const stop = new AbortController().signal;
  return { code: await top(flags, { printer, screen, stop }), printer };
}

test("a terminal gets one page with engines, classes and the last decisions, and its own back", async () => {
  const bench = await startBench({ engines });
  const response = await chat(bench);
  await response.text();
  await until(() => bench.gateway.view().requests === 0);
  const terminal = new KeptTerminal();
  expect(await look(bench.url, { screen: new Screen(terminal) })).toMatchObject({ code: 0 });
  expect(terminal.text).toMatch(/small +small +live +0 +16 +0 +0/);
  expect(terminal.text).toContain("waiting by class: system 0, interactive 0");
  expect(terminal.text).toMatch(/best value +done/);
  expect(terminal.text.startsWith("\u001b[?1049h")).toBe(true);
  expect(terminal.text.endsWith("\u001b[?1049l")).toBe(true);
});

test("elsewhere a look is one line, or one JSON object", async () => {
  const bench = await startBench({ engines });
  const plain = await look(bench.url);
  expect(plain.printer.results).toHaveLength(1);
  expect(plain.printer.text).toContain("small live 0/16 +0 0 tokens");
  const { printer } = await look(bench.url, { json: true });
  expect(JSON.parse(printer.text)).toMatchObject({
    state: { engines: [{ name: "small" }, { name: "large" }] },
    requests: [],
  });
});

test("a gateway that is not there ends it with a sentence", async () => {
  const terminal = new KeptTerminal();
  const { code, printer } = await look("http://127.0.0.1:1", { screen: new Screen(terminal) });
  expect(code).toBe(1);
  expect(printer.remarks.join()).toContain("no gateway answers");
  expect(terminal.text).toBe("");
});

test("a page is cut to the terminal, and holds nothing that it would obey", () => {
  const terminal = new KeptTerminal();
  const screen = new Screen(terminal);
  screen.draw(Array.from({ length: 60 }, () => "x".repeat(200)));
  expect(terminal.text.split("\n")).toHaveLength(30);
  expect(terminal.text).not.toContain("x".repeat(101));
  screen.draw(["a\u001b[2Jb\u009bc"]);
  expect(terminal.text).toContain("a?[2Jb?c");
  screen.close();
  screen.close();
});

test("Ctrl-C ends it cleanly", async () => {
  const bench = await startBench({ engines });
  const args = ["--import", "tsx", "src/cli/main.ts", "top", "--url", bench.url];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  await once(createInterface({ input: child.stdout }), "line");
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([0, null]);
});
