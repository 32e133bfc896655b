import { Metrics } from "../../src/observe/metrics.ts";

const HEAD = `# Watching it

## Metrics

\`GET /metrics\` in Prometheus' text form, for operators (docs/security.md). No label ever holds an id; a label has at most 1,000 values,
beyond them \`other\`. Times are seconds, lengths tokens.
`;

const TAIL = `Beside them \`chimera_process_*\` and \`chimera_nodejs_*\`, of the process itself.

[Prometheus](../deploy/prometheus/prometheus.yml) and [its alerts](../deploy/prometheus/alerts.yml), each with a section of the
[runbook](runbook.md), and a [Grafana dashboard](../deploy/grafana/dashboards/chimera.json) start with
[compose](../deploy/compose.yaml); a test holds every panel and alert to series that exist.

## Traces

Where \`OTEL_EXPORTER_OTLP_ENDPOINT\` is set (such as \`http://127.0.0.1:4318\`), \`chimera serve\` sends traces and metrics by OTLP over
HTTP; \`OTEL_EXPORTER_OTLP_HEADERS\` and \`OTEL_SERVICE_NAME\` count too. The libraries are optional: where they are missing, it says what
to install and serves without. The names are those of OpenTelemetry's GenAI conventions.

- Each stage is a span \`chat MODEL\`, \`text_completion MODEL\` or \`embeddings MODEL\`, from arrival to end, with events when it was queued,
  dispatched and gave its first token.
- Each workflow is a span \`invoke_workflow KIND\`. Its stages stand below it; a stage that comes with a \`traceparent\` belongs to its
  client's trace and is linked to the workflow. The engine is sent the stage as the parent of what it does.
- A stage bears \`gen_ai.operation.name\`, \`gen_ai.request.model\`, \`gen_ai.response.model\`, \`gen_ai.conversation.id\`,
  \`gen_ai.workflow.name\`, \`gen_ai.usage.input_tokens\`, \`gen_ai.usage.output_tokens\`, \`error.type\`, and what was decided:
  \`chimera.engine\`, \`chimera.rule\`, \`chimera.confidence\`, \`chimera.candidates\`, \`chimera.queue.wait\` (seconds), \`chimera.attempts\`,
  \`chimera.class\`, \`chimera.stage\`, \`chimera.prediction\`, \`chimera.estimate.source\`, \`chimera.predicted.stage_tokens\`,
  \`chimera.predicted.remaining_tokens\`. No text of prompts or answers.
- Histograms: \`gen_ai.server.request.duration\`, \`gen_ai.server.time_to_first_token\`, \`gen_ai.server.time_per_output_token\`,
  \`gen_ai.client.token.usage\`.

At most 2,048 spans wait to be sent; more are dropped. Serving never waits for a collector, and one that is gone is said once.

## In the terminal

\`chimera top\` shows the cluster live, \`chimera explain ID\` why a request went where it went, \`chimera doctor\` what is wrong:
[the command line](cli.md).
`;

/** docs/observability.md. */
export async function observabilityPage(): Promise<string> {
  const rows = [["family", "type", "what it counts"], ...(await families())];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const lines = rows.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  const table = [lines[0], rule, ...lines.slice(1)].join("\n");
  return `${HEAD}\n${table}\n\n${TAIL}`;
}

/** The families that a gateway shows before anything has happened, those of its process left out. */
async function families(): Promise<string[][]> {
  const metrics = new Metrics({
    view: () => ({
      queuedByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
      requests: 0,
      stranded: 0,
      workflows: 0,
      engines: [],
    }),
    store: () => null,
  });
  const families = (await metrics.text()).matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm);
  return Array.from(families, ([, name = "", help = "", type = ""]) => [`\`${name}\``, type, help])
    .filter(([name = ""]) => !/chimera_(process|nodejs)_/.test(name))
    .toSorted(([one = ""], [other = ""]) => (one < other ? -1 : 1));
}
