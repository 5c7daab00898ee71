import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { openSource } from '../../connectors.ts';
import { IngestError } from '../../errors.ts';
import { readRequest } from '../../pipeline/read-request.ts';
import { bytesText } from '../../runs/event-text.ts';
import type { Preview, ReadContext } from '../../sources/source.ts';
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
}

/** `ingest preview`: the first pages or rows as a first run would read them. State is neither read nor written. */
export async function preview(context: CommandContext, selector: string, options: PreviewOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context);
    const job = selectOne(opened, selector);
    const connection = connectionOf(opened.project.connections, job);
    if (connection === undefined) {
      throw new IngestError('CONNECTION_NOT_FOUND', `${jobName(job)} has no valid connection "${job.source_name}".`, {
        hint: 'ingest validate says what is wrong with it.',
      });
    }
    const source = await openSource(connection, { projectDirectory: opened.directory });
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
          options,
        );
      });
      if (globals.json) terminal.printJson(opened.redactor.data(shown));
      else printPreview(context, job, shown, options);
      return EXIT.ok;
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

function printPreview({ terminal }: CommandContext, job: Job, shown: Preview, options: PreviewOptions): void {
  const table = { width: terminal.printColumns, style: terminal.style.bind(terminal) };
  let left = options.rows;
  shown.pages.forEach((page, index) => {
    const title = page.request;
    const request = 'url' in title ? `${title.method} ${title.url}` : 'file' in title ? title.file : title.statement;
    terminal.print(terminal.style('bold', `${index + 1}. ${request}`));
    if ('url' in title && title.body !== null && title.body !== undefined)
      terminal.print(`   ${JSON.stringify(title.body)}`);
    if (page.response !== undefined) {
      const { status, duration_ms, bytes } = page.response;
      terminal.print(
        terminal.style(
          'dim',
          `   ${status} · ${Math.round(duration_ms)} ms · ${bytesText(bytes)} · ${plural(page.records.length, 'record')}`,
        ),
      );
    }
    const records = page.records.slice(0, left);
    left -= records.length;
    if (records.length > 0) terminal.print(`${recordsTable(records, table)}`);
    if (records.length < page.records.length)
      terminal.print(
        terminal.style(
          'dim',
          `   … ${plural(page.records.length - records.length, 'more record')} (--rows shows more)`,
        ),
      );
    terminal.print();
  });
  terminal.print(terminal.style('bold', `Columns of ${jobName(job)}`));
  terminal.print(
    renderTable(
      [{ header: 'name' }, { header: 'in the source' }, { header: 'lands as' }, { header: 'null' }],
      shown.schema.map(({ name, source_type, type, nullable }) => [name, source_type, type, nullable ? 'yes' : 'no']),
      table,
    ),
  );
  terminal.print(`\nThe read ended: ${shown.stop.detail} [${shown.stop.reason}]`);
  for (const [key, value] of Object.entries(shown.detected))
    terminal.print(`Detected ${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  for (const warning of shown.warnings) {
    terminal.print(
      `${terminal.style('yellow', '▲')} ${warning.message}${warning.hint === undefined ? '' : ` ${warning.hint}`}`,
    );
  }
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
