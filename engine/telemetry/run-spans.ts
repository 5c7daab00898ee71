import { type Context, ROOT_CONTEXT, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import type { JobResult, RunEvent } from '../runs/events.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { TelemetrySettings } from './telemetry-settings.ts';

interface JobSpans {
  job: Span;
  context: Context;
  stage: { name: string; span: Span } | null;
}

/**
 * A run's events as spans: run → job → extract, normalize, load and checks. Names, counts, codes and kinds are in them;
 * no message, no watermark, no value: those may be data of the source.
 */
export class RunSpans {
  readonly #tracer: Tracer;
  readonly #parent: Context;
  #run: { span: Span; context: Context } | null = null;
  readonly #jobs = new Map<string, JobSpans>();

  constructor(tracer: Tracer, parent: TelemetrySettings['parent']) {
    this.#tracer = tracer;
    this.#parent =
      parent === null
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.flags,
            isRemote: true,
          });
  }

  add(event: RunEvent): void {
    if (event.type === 'run_started') {
      const span = this.#start('run', event.at, this.#parent, {
        'ingest.run_id': event.run_id,
        'ingest.pipeline': event.pipeline,
        'ingest.destination': event.destination,
        'ingest.trigger': event.trigger ?? 'cli',
        'ingest.jobs': event.jobs,
        'ingest.workers': event.workers,
        'ingest.is_sample': event.sample_rows !== undefined,
      });
      this.#run = { span, context: trace.setSpan(this.#parent, span) };
      return;
    }
    if (event.type === 'job_started') {
      const context = this.#run?.context ?? this.#parent;
      const job = this.#start(`job ${event.job}`, event.at, context, { 'ingest.job': event.job });
      this.#jobs.set(event.job, { job, context: trace.setSpan(context, job), stage: null });
      return;
    }
    const spans = 'job' in event && event.job !== undefined ? this.#jobs.get(event.job) : undefined;
    if (spans !== undefined) this.#addToJob(spans, event);
  }

  /** Ends what is open; a stage or a job that did not come to its own end is an error. */
  end(at: number, status: JobStatus | null): void {
    for (const spans of this.#jobs.values()) {
      endStage(spans, at, 'ABORTED');
      spans.job.setStatus({ code: SpanStatusCode.ERROR, message: 'ABORTED' }).end(at);
    }
    this.#jobs.clear();
    if (this.#run === null) return;
    this.#run.span.setAttribute('ingest.status', status ?? 'ABORTED');
    if (status !== 'SUCCESS') this.#run.span.setStatus({ code: SpanStatusCode.ERROR, message: status ?? 'ABORTED' });
    this.#run.span.end(at);
    this.#run = null;
  }

  #addToJob(spans: JobSpans, event: RunEvent): void {
    switch (event.type) {
      case 'job_stage':
        endStage(spans, event.at, null);
        spans.stage = { name: event.stage, span: this.#start(event.stage, event.at, spans.context) };
        return;
      case 'job_progress':
        if (spans.stage?.name === event.stage) setCounts(spans.stage.span, event);
        return;
      case 'job_retry':
        spans.job.addEvent('retry', { attempt: event.attempt, wait_ms: event.wait_ms, code: event.code }, event.at);
        return;
      case 'job_warning':
        spans.job.addEvent('warning', { code: event.code }, event.at);
        return;
      case 'job_schema_change':
        spans.job.addEvent('schema_change', { table: event.table }, event.at);
        return;
      case 'job_check': {
        const { check_name, check_type, status, severity, execution_time_ms } = event.result;
        const span = this.#start(`check ${check_type}`, event.at - execution_time_ms, spans.context, {
          'ingest.check': check_name,
          'ingest.check.type': check_type,
          'ingest.check.status': status,
          'ingest.check.severity': severity,
        });
        if (status === 'failed') span.setStatus({ code: SpanStatusCode.ERROR, message: severity });
        span.end(event.at);
        return;
      }
      case 'job_finished':
        endStage(spans, event.at, event.result.error?.code ?? null);
        endJob(spans.job, event.result, event.at);
        this.#jobs.delete(event.job);
        return;
      default:
        return;
    }
  }

  #start(
    name: string,
    startTime: number,
    context: Context,
    attributes: Record<string, string | number | boolean> = {},
  ) {
    return this.#tracer.startSpan(name, { startTime, attributes }, context);
  }
}

function endStage(spans: JobSpans, at: number, failure: string | null): void {
  if (failure !== null) spans.stage?.span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
  spans.stage?.span.end(at);
  spans.stage = null;
}

function endJob(span: Span, result: JobResult, at: number): void {
  setCounts(span, { rows: result.rows_processed, bytes: result.bytes, pages: result.pages });
  span.setAttributes({
    'ingest.source': result.source_name,
    'ingest.table': result.table_name,
    'ingest.target': result.target,
    'ingest.status': result.status,
    'ingest.retries': result.retries,
    'ingest.warnings': result.warnings.length,
    'ingest.schema_changes': result.schema_changes.length,
    'ingest.watermark.kind': watermarkKind(result.watermark_after),
    'ingest.watermark.moved': result.watermark_after !== result.watermark_before,
    ...(result.files === null ? {} : { 'ingest.files': result.files }),
    ...(result.stop === null ? {} : { 'ingest.stop': result.stop.reason }),
    ...(result.load_id === null ? {} : { 'ingest.load_id': result.load_id }),
  });
  if (result.status !== 'SUCCESS')
    span.setStatus({ code: SpanStatusCode.ERROR, message: result.error?.code ?? result.status });
  span.end(at);
}

function setCounts(span: Span, { rows, bytes, pages }: { rows: number; bytes: number; pages?: number | null }): void {
  span.setAttributes({
    'ingest.rows': rows,
    'ingest.bytes': bytes,
    ...(pages == null ? {} : { 'ingest.pages': pages }),
  });
}

/** What a watermark is, never which. */
export function watermarkKind(watermark: string | null): 'none' | 'number' | 'date' | 'time' | 'text' {
  if (watermark === null) return 'none';
  if (/^[+-]?\d+(\.\d+)?$/.test(watermark)) return 'number';
  if (/^\d{4}-\d{2}-\d{2}$/.test(watermark)) return 'date';
  return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(watermark) ? 'time' : 'text';
}
