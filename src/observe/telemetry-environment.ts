import { Telemetry } from "./telemetry.ts";
import { openTelemetryExport } from "./telemetry-export.ts";

const SPANS_PENDING_MAX = 2_048;
const INTERVAL_MS = 5_000;

/**
 * Telemetry by OpenTelemetry's own variables: `OTEL_EXPORTER_OTLP_ENDPOINT` (OTLP over HTTP),
 * `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_SERVICE_NAME`. null without an endpoint, and, once that is
 * said, where the libraries are not installed. Never rejects.
 */
export async function openTelemetry(
  environment: Readonly<Record<string, string | undefined>>,
  clock: { nowMs(): number },
  onProblem: (message: string) => void,
): Promise<Telemetry | null> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = "", OTEL_SERVICE_NAME: name = "" } = environment;
  if (endpoint === "") return null;
  const opened = await openTelemetryExport({
    endpoint,
    headers: headersOf(environment["OTEL_EXPORTER_OTLP_HEADERS"] ?? ""),
    serviceName: name === "" ? "chimera" : name,
    spansPendingMax: SPANS_PENDING_MAX,
    intervalMs: INTERVAL_MS,
    onProblem,
  });
  if (opened.ok) return new Telemetry(opened.exported, Date.now() - clock.nowMs());
  onProblem(opened.message);
  return null;
}

/** `name=value,name=value`, the values percent-encoded; what is no pair is left out. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(",").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    const name = pair.slice(0, at).trim();
    return at < 1 || name === "" ? [] : [[name, decoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
