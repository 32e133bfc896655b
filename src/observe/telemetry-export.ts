import type * as Api from "@opentelemetry/api";
import type { Meter, Tracer } from "@opentelemetry/api";

export interface TelemetryExportOptions {
  /** Base of an OTLP/HTTP collector, such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  /** Sent with every export. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Ended spans that wait to be sent; more are dropped. */
  readonly spansPendingMax: number;
  /** Between two exports. */
  readonly intervalMs: number;
  /** Told when the collector stops taking what it is sent, once until it takes it again. */
  readonly onProblem: (message: string) => void;
}

/** What OpenTelemetry's libraries give: where spans and metrics are made, and how all of it ends. */
export interface TelemetryExport {
  readonly api: typeof Api;
  readonly tracer: Tracer;
  readonly meter: Meter;
  close(): Promise<void>;
}

export type TelemetryExportResult =
  | { readonly ok: true; readonly exported: TelemetryExport }
  | { readonly ok: false; readonly message: string };

/** An export that takes longer has failed; so long may the end of the process wait at most. */
const EXPORT_MS_MAX = 5_000;
const SPANS_A_BATCH_MAX = 512;

const PACKAGES =
  "@opentelemetry/api @opentelemetry/sdk-trace @opentelemetry/sdk-metrics @opentelemetry/resources " +
  "@opentelemetry/exporter-trace-otlp-http @opentelemetry/exporter-metrics-otlp-http";

type Export<T> = (items: T, done: (result: { code: number; error?: Error }) => void) => void;

/** Loads the libraries and starts to export; nothing of the process is changed beside. */
export async function openTelemetryExport(
  options: TelemetryExportOptions,
): Promise<TelemetryExportResult> {
  let libraries: Libraries;
  try {
    libraries = await loadLibraries();
  } catch {
    const message = `telemetry needs packages that are not installed: npm install ${PACKAGES}`;
    return { ok: false, message };
  }
  return { ok: true, exported: start(libraries, options) };
}

type Libraries = Awaited<ReturnType<typeof loadLibraries>>;

async function loadLibraries() {
  const [api, traces, metrics, resources, traceExport, metricExport] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-http"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
  ]);
  return { api, traces, metrics, resources, traceExport, metricExport };
}

function start(libraries: Libraries, options: TelemetryExportOptions): TelemetryExport {
  const { api, traces, metrics, resources, traceExport, metricExport } = libraries;
  const { endpoint, headers, serviceName, spansPendingMax, intervalMs } = options;
  const resource = resources.resourceFromAttributes({ "service.name": serviceName });
  const to = (signal: string) => ({
    url: `${endpoint.replace(/\/+$/, "")}/v1/${signal}`,
    headers: { ...headers },
    timeoutMillis: EXPORT_MS_MAX,
  });
  const spans = new traceExport.OTLPTraceExporter(to("traces"));
  spans.export = told(spans.export.bind(spans), options);
  const numbers = new metricExport.OTLPMetricExporter(to("metrics"));
  numbers.export = told(numbers.export.bind(numbers), options);
  const tracerProvider = new traces.TracerProvider({
    resource,
    spanProcessors: [
      new traces.BatchSpanProcessor({
        exporter: spans,
        maxQueueSize: spansPendingMax,
        maxExportBatchSize: Math.min(SPANS_A_BATCH_MAX, spansPendingMax),
        scheduledDelayMillis: intervalMs,
        exportTimeoutMillis: EXPORT_MS_MAX,
      }),
    ],
  });
  const meterProvider = new metrics.MeterProvider({
    resource,
    readers: [
      new metrics.PeriodicExportingMetricReader({
        exporter: numbers,
        exportIntervalMillis: Math.max(intervalMs, EXPORT_MS_MAX),
        exportTimeoutMillis: EXPORT_MS_MAX,
      }),
    ],
  });
  let closing: Promise<void> | null = null;
  return {
    api,
    tracer: tracerProvider.getTracer("chimera"),
    meter: meterProvider.getMeter("chimera"),
    close: () => (closing ??= shutDown([tracerProvider, meterProvider])),
  };
}

/** A collector that is gone is said once, and is no failure of the process. */
function told<T>(send: Export<T>, { endpoint, onProblem }: TelemetryExportOptions): Export<T> {
  let isFailing = false;
  return (items, done) => {
    send(items, (result) => {
      const failed = result.code !== 0;
      if (failed && !isFailing) {
        const reason = result.error?.message ?? "it refused";
        onProblem(`telemetry is not taken by ${endpoint}: ${reason}`);
      }
      isFailing = failed;
      done(result);
    });
  };
}

async function shutDown(providers: readonly { shutdown(): Promise<void> }[]): Promise<void> {
  await Promise.allSettled(providers.map((provider) => provider.shutdown()));
}
