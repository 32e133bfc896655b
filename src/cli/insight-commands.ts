import type { Command } from "commander";
import { number, whole } from "./options.ts";
import type { Session } from "./session.ts";

const GATEWAY_URL = "http://127.0.0.1:8080";

export function addExplain(program: Command, { printer, exit }: Session): void {
  program
    .command("explain")
    .description("why a request, or each one of a workflow, went where it went")
    .argument("<id>", "a request's id (`x-request-id`), or a workflow's")
    .option(
      "--url <url>",
      "the gateway; its key or operators' token is in CHIMERA_TOKEN",
      GATEWAY_URL,
    )
    .option("--store <file>", "read a trace store instead, for what the gateway has forgotten")
    .option("--json", "print JSON", false)
    .action(async (id: string, options: { url: string; store?: string; json: boolean }) => {
      const { explainId } = await import("./explain.ts");
      const { url, store, json } = options;
      exit(await explainId({ id, url, store, json }, printer));
    });
}

interface TopOptions {
  readonly url: string;
  readonly every: number;
  readonly looks?: number;
  readonly decisions: number;
  readonly json: boolean;
}

export function addTop(program: Command, { printer, exit }: Session): void {
  program
    .command("top")
    .description("the live cluster: engines, queues, last decisions; Ctrl-C ends")
    .option("--url <url>", "the gateway; its operators' token is in CHIMERA_TOKEN", GATEWAY_URL)
    .option("--every <seconds>", "between two looks; at least 0.5", number, 1)
    .option("--looks <n>", "end after so many looks", whole)
    .option("--decisions <n>", "requests shown, the newest first", whole, 12)
    .option("--json", "print one JSON object a line", false)
    .action(async ({ url, every, looks, decisions, json }: TopOptions) => {
      const [{ top }, { Screen }, { untilSignal }] = await Promise.all([
        import("./top.ts"),
        import("./screen.ts"),
        import("./until-signal.ts"),
      ]);
      const stop = new AbortController();
      void untilSignal().then(() => stop.abort());
      const screen = process.stdout.isTTY && !json ? new Screen(process.stdout) : null;
      const flags = { url, periodMs: every * 1000, looks: looks ?? null, decisions, json };
      exit(await top(flags, { printer, screen, stop: stop.signal }));
    });
}
