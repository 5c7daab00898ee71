import { IngestError } from '../errors.ts';
import type { Environment } from '../network/environment.ts';
import type { TelemetryConfig } from '../spec/telemetry.ts';

/** Where and how a run's telemetry goes. */
export interface TelemetrySettings {
  /** Null: this kind is not wanted. */
  traces: URL | null;
  metrics: URL | null;
  /** Secrets, their values all of them. */
  headers: Record<string, string>;
  json: boolean;
  serviceName: string;
  resource: Record<string, string>;
  /** Milliseconds that one request may take. */
  timeout: number;
  /** How counters are sent: what some collectors want. */
  temporality: 'cumulative' | 'delta';
  /** `00-<trace>-<span>-01` of who started the run (W3C trace context); null where nobody says. */
  parent: { traceId: string; spanId: string; flags: number } | null;
}

const DEFAULT_TIMEOUT = 10_000;

/**
 * Variables of OpenTelemetry's own (https://opentelemetry.io/docs/specs/otel/protocol/exporter/) over `[telemetry]` of config.toml.
 * @returns null where telemetry is not asked for, or `OTEL_SDK_DISABLED` says so
 * @throws IngestError TELEMETRY_UNUSABLE where it is asked for in a way that is not spoken here; the variable is named, never its value
 */
export function telemetrySettings(config: TelemetryConfig | null, environment: Environment): TelemetrySettings | null {
  const variable = (name: string) => environment[`OTEL_${name}`]?.trim() || null;
  if (variable('SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const base = variable('EXPORTER_OTLP_ENDPOINT') ?? config?.endpoint ?? null;
  const addressOf = (kind: 'traces' | 'metrics') => {
    if (variable(`${kind.toUpperCase()}_EXPORTER`)?.toLowerCase() === 'none') return null;
    const own = variable(`EXPORTER_OTLP_${kind.toUpperCase()}_ENDPOINT`);
    if (own !== null) return addressFrom(own);
    return base === null ? null : addressFrom(base, `v1/${kind}`);
  };
  const [traces, metrics] = [addressOf('traces'), addressOf('metrics')];
  if (traces === null && metrics === null) return null;
  const protocol = variable('EXPORTER_OTLP_PROTOCOL') ?? config?.protocol ?? 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    throw new IngestError('TELEMETRY_UNUSABLE', `Telemetry is not sent over ${protocol}.`, {
      hint: 'Set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf and the endpoint to the collector’s HTTP port, usually 4318.',
    });
  }
  const preference = variable('EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE')?.toLowerCase();
  return {
    traces,
    metrics,
    headers: { ...config?.headers, ...pairs(variable('EXPORTER_OTLP_HEADERS')) },
    json: protocol === 'http/json',
    serviceName: variable('SERVICE_NAME') ?? config?.service_name ?? 'ingest-studio',
    resource: pairs(variable('RESOURCE_ATTRIBUTES')),
    timeout: positive(variable('EXPORTER_OTLP_TIMEOUT')) ?? DEFAULT_TIMEOUT,
    temporality: preference === 'delta' ? 'delta' : 'cumulative',
    parent: parentOf(environment['TRACEPARENT']),
  };
}

/** Everything in them that nobody may read: header values, the parts of them that stand alone, and what an address carries. */
export function telemetrySecrets({ traces, metrics, headers }: TelemetrySettings): string[] {
  const values = Object.values(headers).flatMap((value) => [value, ...value.split(/\s+/).slice(1)]);
  const ofAddresses = [traces, metrics].flatMap((url) =>
    url === null ? [] : [decodeURIComponent(url.password), ...url.searchParams.values()],
  );
  return [...values, ...ofAddresses].filter((value) => value !== '');
}

function addressFrom(text: string, append?: string): URL {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new IngestError('TELEMETRY_UNUSABLE', 'The address of the telemetry collector is no http or https address.', {
      hint: 'Write OTEL_EXPORTER_OTLP_ENDPOINT, or endpoint of [telemetry], like http://localhost:4318.',
    });
  }
  if (append !== undefined) url.pathname = `${url.pathname.replace(/\/+$/, '')}/${append}`;
  return url;
}

/** `a=1,b=two%20words` */
function pairs(text: string | null): Record<string, string> {
  const found = (text ?? '').split(',').flatMap((part): [string, string][] => {
    const at = part.indexOf('=');
    return at <= 0 ? [] : [[decoded(part.slice(0, at)), decoded(part.slice(at + 1))]];
  });
  return Object.fromEntries(found.filter(([key]) => key !== ''));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return text.trim();
  }
}

function positive(text: string | null): number | null {
  const number = Number(text);
  return text !== null && Number.isFinite(number) && number > 0 ? number : null;
}

function parentOf(text: string | undefined): TelemetrySettings['parent'] {
  const [, traceId, spanId, flags] = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(text?.trim() ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, flags: Number.parseInt(flags ?? '01', 16) };
}
