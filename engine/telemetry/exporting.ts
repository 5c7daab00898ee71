import type { Attributes } from '@opentelemetry/api';
import {
  type ISerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AggregationTemporality, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { VERSION } from '../cli/version.ts';
import type { Environment } from '../network/environment.ts';
import type { RunEvent } from '../runs/events.ts';
import type { JobStatus } from '../spec/kinds.ts';
import { OtlpSender } from './otlp-sender.ts';
import { runMeasures } from './run-metrics.ts';
import { RunSpans } from './run-spans.ts';
import type { TelemetrySettings } from './telemetry-settings.ts';

/** Metrics of a run that goes on are sent so often, spans so soon, in milliseconds. */
const METRICS_MS = 30_000;
const SPANS_MS = 2_000;

/** The SDK, which is loaded for runs with a collector only. */
export interface Exporting {
  add(event: RunEvent): void;
  /** Null: the run broke down. */
  end(end: { at: number; status: JobStatus; seconds: number; health: number } | null): void;
  /** Sends what waits. */
  flush(): Promise<void>;
  problem(): string | null;
  close(): Promise<void>;
}

/** @throws IngestError PROXY_UNUSABLE */
export function openExporting(settings: TelemetrySettings, environment: Environment): Exporting {
  const sender = new OtlpSender(settings, environment);
  const resource = resourceFromAttributes({
    'service.version': VERSION,
    ...settings.resource,
    'service.name': settings.serviceName,
  });
  const { traces, metrics } = settings;
  const tracers = new BasicTracerProvider({
    resource,
    spanProcessors:
      traces === null
        ? []
        : [
            new BatchSpanProcessor(
              {
                export: exportWith(sender, traces, settings.json ? JsonTraceSerializer : ProtobufTraceSerializer),
                shutdown: async () => undefined,
              },
              { scheduledDelayMillis: SPANS_MS },
            ),
          ],
  });
  const delta = settings.temporality === 'delta';
  const meters = new MeterProvider({
    resource,
    readers:
      metrics === null
        ? []
        : [
            new PeriodicExportingMetricReader({
              exporter: {
                export: exportWith(sender, metrics, settings.json ? JsonMetricsSerializer : ProtobufMetricsSerializer),
                selectAggregationTemporality: () =>
                  delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
                forceFlush: async () => undefined,
                shutdown: async () => undefined,
              },
              exportIntervalMillis: METRICS_MS,
              exportTimeoutMillis: Math.min(METRICS_MS, settings.timeout),
            }),
          ],
  });
  const spans = new RunSpans(tracers.getTracer('ingest-studio', VERSION), settings.parent);
  const measures = runMeasures(meters.getMeter('ingest-studio', VERSION));
  let common: Attributes = {};
  return {
    add(event) {
      spans.add(event);
      if (event.type === 'run_started') common = { pipeline: event.pipeline, destination: event.destination };
      if (event.type === 'job_finished') measures.job(common, event.result);
    },
    end(end) {
      spans.end(end?.at ?? Date.now(), end?.status ?? null);
      if (end !== null) measures.run(common, end);
    },
    async flush() {
      await Promise.allSettled([tracers.forceFlush(), meters.forceFlush()]);
    },
    problem: () => sender.problem,
    async close() {
      await sender.close();
      // Only timers are left to stop.
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

/** `export` as the SDK calls it: 0 for success, 1 for failure. */
function exportWith<Batch>(sender: OtlpSender, url: URL, serializer: ISerializer<Batch, unknown>) {
  return (batch: Batch, done: (result: { code: 0 | 1 }) => void): void => {
    const body = serializer.serializeRequest(batch);
    if (body === undefined) done({ code: 1 });
    else void sender.send(url, body).then((arrived) => done({ code: arrived ? 0 : 1 }));
  };
}
