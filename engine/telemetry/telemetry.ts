import { messageOf } from '../errors.ts';
import type { Environment } from '../network/environment.ts';
import type { RunEvent } from '../runs/events.ts';
import type { Redactor } from '../secrets/redaction.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { TelemetryConfig } from '../spec/telemetry.ts';
import type { Exporting } from './exporting.ts';
import { type TelemetrySettings, telemetrySecrets, telemetrySettings } from './telemetry-settings.ts';

/** A run waits for its telemetry so long at its end, in milliseconds; what has not arrived by then is given up. */
const PATIENCE = 2_000;

/** A run's telemetry. Nothing of it throws, and nothing of it waits but {@link finish}. */
export interface RunTelemetry {
  /** Takes an event, redacted already. */
  onEvent(event: RunEvent): void;
  /**
   * Ends the spans and sends what has not been sent, for {@link PATIENCE} at most. Without `end`, the run broke down. Safe to call twice.
   * @returns null where everything arrived, else why not
   */
  finish(end?: { at: number; status: JobStatus; seconds: number; health: number }): Promise<string | null>;
}

const NOTHING: RunTelemetry = { onEvent: () => undefined, finish: async () => null };

/**
 * Begins the telemetry of a run where a collector is configured; the SDK is loaded only then, behind the run's back.
 * The headers' values become known to the redactor.
 */
export function openTelemetry(
  config: TelemetryConfig | null,
  options: { environment: Environment; redactor: Redactor; patience?: number },
): RunTelemetry {
  let settings: TelemetrySettings | null;
  try {
    settings = telemetrySettings(config, options.environment);
  } catch (error) {
    const problem = messageOf(error);
    return { ...NOTHING, finish: async () => problem };
  }
  if (settings === null) return NOTHING;
  for (const value of telemetrySecrets(settings)) options.redactor.add('OTEL_EXPORTER_OTLP_HEADERS', value);
  return new LoadedTelemetry(settings, options);
}

class LoadedTelemetry implements RunTelemetry {
  readonly #exporting: Promise<Exporting>;
  readonly #redactor: Redactor;
  readonly #patience: number;
  #loaded: Exporting | null = null;
  /** Until the SDK is there. */
  #waiting: RunEvent[] = [];
  #finished: Promise<string | null> | null = null;

  constructor(
    settings: TelemetrySettings,
    options: { environment: Environment; redactor: Redactor; patience?: number },
  ) {
    this.#redactor = options.redactor;
    this.#patience = options.patience ?? PATIENCE;
    this.#exporting = import('./exporting.ts').then(({ openExporting }) => {
      const exporting = openExporting(settings, options.environment);
      this.#loaded = exporting;
      for (const event of this.#waiting) exporting.add(event);
      this.#waiting = [];
      return exporting;
    });
    // Who finishes hears of it.
    this.#exporting.catch(() => undefined);
  }

  onEvent(event: RunEvent): void {
    if (this.#finished !== null) return;
    if (this.#loaded === null) this.#waiting.push(event);
    else this.#loaded.add(event);
  }

  finish(end?: { at: number; status: JobStatus; seconds: number; health: number }): Promise<string | null> {
    this.#finished ??= this.#finish(end).catch((error: unknown) =>
      this.#redactor.text(`the telemetry could not be made: ${messageOf(error)}`),
    );
    return this.#finished;
  }

  async #finish(end: Parameters<RunTelemetry['finish']>[0]): Promise<string | null> {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#patience);
    });
    try {
      const exporting = await Promise.race([this.#exporting, tooLong]);
      if (exporting === 'late') return 'the telemetry was not ready in time';
      exporting.end(end ?? null);
      const late = (await Promise.race([exporting.flush(), tooLong])) === 'late';
      const problem = exporting.problem() ?? (late ? 'the collector did not answer in time' : null);
      return problem === null ? null : this.#redactor.text(problem);
    } finally {
      clearTimeout(timer);
      await this.#loaded?.close();
    }
  }
}
