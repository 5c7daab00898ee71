import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { openSource } from '../../connectors.ts';
import { IngestError } from '../../errors.ts';
import { readRequest } from '../../pipeline/read-request.ts';
import { Recorder, readRecording, writeRecording } from '../../recording/recording.ts';
import { createReplay } from '../../recording/replay.ts';
import { bytesText, secondsText } from '../../runs/event-text.ts';
import type { Detection, Preview, PreviewRequest, ReadContext } from '../../sources/source.ts';
import { connectionOf } from '../../spec/connection.ts';
import { type Job, jobName } from '../../spec/job.ts';
import type { TypePolicy } from '../../spec/kinds.ts';
import type { Project } from '../../spec/project.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { plural } from '../format.ts';
import { withScratch } from '../scratch.ts';
import { selectOne } from '../selection.ts';
import { renderTable } from '../table.ts';

export interface PreviewOptions {
  pages: number;
  rows: number;
  /** File for the recording. */
  record?: string;
  /** A recording that answers instead of the API. */
  replay?: string;
}

/** `ingest preview`: the first pages or rows as a first run would read them. State is neither read nor written. */
export async function preview(context: CommandContext, selector: string, options: PreviewOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, {
      vault: { scope: 'everything', signal: cancellation.signal },
    });
    const job = selectOne(opened, selector);
    const connection = connectionOf(opened.project.connections, job);
    if (connection === undefined) {
      throw new IngestError('CONNECTION_NOT_FOUND', `${jobName(job)} has no valid connection "${job.source_name}".`, {
        hint: 'ingest validate says what is wrong with it.',
      });
    }
    const isApi = connection.type === 'api';
    for (const option of ['record', 'replay'] as const) {
      if (options[option] === undefined || isApi) continue;
      throw new IngestError('PREVIEW_OPTION', `--${option} is for APIs; ${jobName(job)} reads ${connection.type}.`);
    }
    const recorder = options.record === undefined ? null : new Recorder();
    const replay = options.replay === undefined ? null : createReplay(await readRecording(options.replay));
    const source = await openSource(connection, {
      projectDirectory: opened.directory,
      jobs: opened.project.jobs,
    });
    try {
      const shown = await withScratch(async ({ workspace, folder }) => {
        const spoolDirectory = path.join(folder, 'spool');
        await mkdir(spoolDirectory, { mode: 0o700 });
        const readContext: ReadContext = {
          workspace,
          spoolDirectory,
          signal: cancellation.signal,
          progress: () => {},
          warn: () => {},
          log: (level, message) => {
            if (level === 'INFO' || globals.logLevel === 'DEBUG') terminal.tell(message);
          },
        };
        return source.preview(
          readRequest(job, null, { types: typesFor(opened.project), sampleRows: null }),
          readContext,
          {
            pages: options.pages,
            rows: options.rows,
            ...(recorder === null ? {} : { recorder }),
            ...(replay === null ? {} : { replay }),
          },
        );
      });
      if (globals.json) terminal.printJson(opened.redactor.data(withoutBodies(shown)));
      else printPreview(context, job, opened.redactor.data(shown));
      if (recorder !== null && options.record !== undefined) {
        const baseUrl = connection.type === 'api' ? connection.base_url : '';
        const recording = recorder.recording({ job: jobName(job), baseUrl, now: new Date() });
        await writeRecording(options.record, opened.redactor.data(recording));
        terminal.tell(
          `Recorded ${plural(recording.exchanges.length, 'request')} in ${options.record}, without secrets.`,
        );
      }
      return shown.failure === undefined ? EXIT.ok : EXIT.failed;
    } finally {
      await source.close();
    }
  } finally {
    cancellation.dispose();
  }
}

/** Types as they would land in the project's own destination. */
function typesFor({ destinations, destination }: Project): TypePolicy {
  return destination !== null && destinations[destination]?.type === 'filesystem' ? 'portable' : 'native';
}

function printPreview({ terminal }: CommandContext, job: Job, shown: Preview): void {
  const table = { width: terminal.printColumns, style: terminal.style.bind(terminal) };
  const dim = (text: string) => terminal.style('dim', text);
  if (shown.replayed === true) terminal.print(dim('Replayed from a recording; nothing was sent.\n'));
  shown.pages.forEach((page, index) => {
    terminal.print(terminal.style('bold', `${index + 1}. ${requestText(page.request)}`));
    if ('url' in page.request && page.request.body !== null && page.request.body !== undefined)
      terminal.print(`   ${JSON.stringify(page.request.body)}`);
    const count = page.record_count ?? page.records.length;
    if (page.response !== undefined) {
      const { status, duration_ms, bytes } = page.response;
      terminal.print(
        dim(`   ${status} · ${Math.round(duration_ms)} ms · ${bytesText(bytes)} · ${plural(count, 'record')}`),
      );
    }
    if (page.records.length > 0) terminal.print(`${recordsTable(page.records, table)}`);
    if (page.records.length < count)
      terminal.print(dim(`   … ${plural(count - page.records.length, 'more record')} (--rows shows more)`));
    terminal.print();
  });
  if (shown.schema.length > 0) {
    terminal.print(terminal.style('bold', `Columns of ${jobName(job)}`));
    terminal.print(
      renderTable(
        [{ header: 'name' }, { header: 'in the source' }, { header: 'lands as' }, { header: 'null' }],
        shown.schema.map(({ name, source_type, type, nullable }) => [name, source_type, type, nullable ? 'yes' : 'no']),
        table,
      ),
    );
  }
  if (shown.failure === undefined) terminal.print(`\nThe read ended: ${shown.stop.detail} [${shown.stop.reason}]`);
  const next = shown.pages.at(-1)?.next;
  if (next !== undefined && 'request' in next) terminal.print(`A run asks next: ${requestText(next.request)}`);
  if (shown.estimate !== undefined) {
    const { records, seconds, detail } = shown.estimate;
    const all = records === null ? '' : ` for ${plural(records, 'record')}`;
    terminal.print(
      `The whole read takes ${seconds < 1 ? 'less than a second' : `about ${secondsText(seconds)}`}${all}: ${detail}.`,
    );
  }
  printDetected(terminal, shown.detected, table);
  for (const warning of shown.warnings) {
    terminal.print(
      `${terminal.style('yellow', '▲')} ${warning.message}${warning.hint === undefined ? '' : ` ${warning.hint}`}`,
    );
  }
  if (shown.failure !== undefined) {
    const { code, message, hint } = shown.failure;
    terminal.print(`${terminal.style('red', '✕')} ${message} [${code}]${hint === undefined ? '' : `\n  ${hint}`}`);
  }
}

/** Bodies are the records once more; they tell something where a page could not be read. */
function withoutBodies(shown: Preview): Preview {
  if (shown.failure !== undefined) return shown;
  return {
    ...shown,
    pages: shown.pages.map((page) => {
      if (page.response === undefined) return page;
      const { body: _body, ...response } = page.response;
      return { ...page, response };
    }),
  };
}

function requestText(request: PreviewRequest): string {
  return 'url' in request ? `${request.method} ${request.url}` : 'file' in request ? request.file : request.statement;
}

/** Settings with their evidence as a table; other facts a line each. */
function printDetected(
  terminal: CommandContext['terminal'],
  detected: Preview['detected'],
  table: Parameters<typeof renderTable>[2],
): void {
  const settings: string[][] = [];
  for (const [name, fact] of Object.entries(detected)) {
    if (isDetection(fact))
      settings.push([name, String(fact.value), fact.in_use ? 'in use' : fact.confidence, fact.evidence]);
    else terminal.print(`${name.replaceAll('_', ' ')}: ${typeof fact === 'string' ? fact : JSON.stringify(fact)}`);
  }
  if (settings.length === 0) return;
  terminal.print(terminal.style('bold', '\nDetected'));
  terminal.print(
    renderTable(
      [
        { header: 'setting' },
        { header: 'value', maxWidth: 40 },
        { header: 'sure' },
        { header: 'because', maxWidth: 90 },
      ],
      settings,
      table,
    ),
  );
}

function isDetection(fact: unknown): fact is Detection {
  return typeof fact === 'object' && fact !== null && 'evidence' in fact && 'confidence' in fact;
}

/** Records as a table: a column a key, in the order of first sight; what is nested as JSON. Null is shown as such, apart from empty text. */
function recordsTable(records: readonly unknown[], options: Parameters<typeof renderTable>[2]): string {
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const keys = [...new Set(records.flatMap((record) => (isRecord(record) ? Object.keys(record) : ['value'])))];
  return renderTable(
    keys.map((header) => ({ header, maxWidth: 40 })),
    records.map((record) => (isRecord(record) ? keys.map((key) => cellText(record[key])) : [cellText(record)])),
    options,
  );
}

function cellText(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return 'null';
  if (typeof value === 'object')
    return JSON.stringify(value, (_key, entry) => (typeof entry === 'bigint' ? entry.toString() : entry));
  return String(value);
}
