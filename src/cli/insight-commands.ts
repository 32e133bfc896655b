import type { Command } from "commander";
import { withExample } from "./options.ts";
import type { Session } from "./session.ts";

const GATEWAY_URL = "http://127.0.0.1:8080";

export function addExplain(program: Command, { printer, exit }: Session): void {
  withExample(program.command("explain"), "explain demo-1-aime-3")
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
