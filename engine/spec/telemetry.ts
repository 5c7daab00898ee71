import { z } from 'zod';
import { sectionEntries } from './config-section.ts';
import type { RawProject } from './project.ts';
import { parseEntries, remark, type TomlContext } from './toml-table.ts';

export const TELEMETRY_PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/** `[telemetry]` of config.toml: where traces and metrics of runs go (OTLP over HTTP). Variables of OpenTelemetry's own come first. */
export const telemetryModel = z.object({
  /** The collector's address without `/v1/traces`, e.g. `http://localhost:4318`. `OTEL_EXPORTER_OTLP_ENDPOINT` comes first. */
  endpoint: z.string().min(1),
  /** Sent with each request; secrets, all of them: `TELEMETRY__HEADERS__AUTHORIZATION`. */
  headers: z.record(z.string(), z.string()).default({}),
  protocol: z.enum(TELEMETRY_PROTOCOLS).default('http/protobuf'),
  /** What the run is called among other services. */
  service_name: z.string().min(1).default('ingest-studio'),
});
export type TelemetryConfig = z.infer<typeof telemetryModel>;

/** Null where nothing is said, or where the table has errors. */
export function readTelemetry(context: TomlContext, raw: Pick<RawProject, 'config'>): TelemetryConfig | null {
  const entries = sectionEntries(context, raw.config, 'telemetry', Object.keys(telemetryModel.shape));
  if (entries === null || entries === 'wrong') return null;
  // Headers alone, of the environment, ask for nothing.
  const endpoint = entries.get('endpoint');
  if (endpoint === undefined) return null;
  const parsed = parseEntries(context, telemetryModel, entries, {}, ['telemetry']);
  if (parsed === null || isAddress(parsed.endpoint)) return parsed;
  remark(context, endpoint, 'CONFIG_VALUE_NOT_ALLOWED', 'must be an http or https address', {
    hint: 'Write it like http://localhost:4318. A collector that speaks gRPC only (4317) has an HTTP port beside it.',
  });
  return null;
}

function isAddress(text: string): boolean {
  return /^https?:\/\/[^\s/?#]/i.test(text.trim());
}
