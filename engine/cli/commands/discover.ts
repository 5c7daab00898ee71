import { openSource } from '../../connectors.ts';
import { bytesText } from '../../runs/event-text.ts';
import type { DiscoveredObject } from '../../sources/source.ts';
import type { Connection } from '../../spec/connection.ts';
import { cancelOnSignals } from '../cancellation.ts';
import { findConnection } from '../connection-names.ts';
import { type CommandContext, openForCommand } from '../context.ts';
import { EXIT, type ExitCode } from '../failure.ts';
import { formatCount, plural } from '../format.ts';
import { renderTable } from '../table.ts';

export interface DiscoverOptions {
  schema?: string;
  search?: string;
  columns?: boolean;
}

/** `ingest discover`: tables, views, files or resources of a connection. */
export async function discover(context: CommandContext, name: string, options: DiscoverOptions): Promise<ExitCode> {
  const { terminal, globals } = context;
  const cancellation = cancelOnSignals(terminal);
  try {
    const opened = await openForCommand(context, { vault: { scope: 'everything', signal: cancellation.signal } });
    const connection = findConnection(opened, name);
    const source = await openSource(connection, { projectDirectory: opened.directory });
    try {
      const objects = await source.discover(
        {
          ...(options.schema === undefined ? {} : { schema: options.schema }),
          ...(options.search === undefined ? {} : { search: options.search }),
          withColumns: options.columns === true,
        },
        cancellation.signal,
      );
      if (globals.json) terminal.printJson(objects);
      else printObjects(context, connection.type, objects, options.columns === true);
      return EXIT.ok;
    } finally {
      await source.close();
    }
  } finally {
    cancellation.dispose();
  }
}

/** What it means that there is nothing, where that is not a matter of rights. */
const NOTHING: Partial<Record<Connection['type'], string>> = {
  api: 'Nothing was found. An API without a description (OpenAPI) has no list of its resources: preview a job instead.',
  filesystem:
    'No files were found that can be read. They are told by their endings: parquet, csv, tsv, jsonl, ndjson, also as gz and zst.',
};

function printObjects(
  { terminal }: CommandContext,
  type: Connection['type'],
  objects: DiscoveredObject[],
  withColumns: boolean,
): void {
  if (objects.length === 0) {
    terminal.print(
      NOTHING[type] ??
        'Nothing was found that this user may read. Ask for the right to read, or try without --schema and --search.',
    );
    return;
  }
  const options = { width: terminal.printColumns, style: terminal.style.bind(terminal) };
  const rows = objects.map((object) => [
    fullName(object),
    object.kind.replaceAll('_', ' '),
    object.rowEstimate === null ? '' : `~${formatCount(object.rowEstimate)}`,
    object.bytes === null ? '' : bytesText(object.bytes),
    ...(withColumns ? [object.primaryKey.join(', ')] : []),
    object.comment ?? '',
  ]);
  terminal.print(
    renderTable(
      [
        { header: 'name' },
        { header: 'kind' },
        { header: 'rows', align: 'right' },
        { header: 'size', align: 'right' },
        ...(withColumns ? [{ header: 'key' }] : []),
        { header: 'comment', maxWidth: 60 },
      ],
      rows,
      options,
    ),
  );
  terminal.print(`\n${plural(objects.length, 'object')}`);
  if (!withColumns) {
    terminal.print(terminal.style('dim', 'Keys, columns and suggestions: --columns'));
    return;
  }
  for (const object of objects) {
    terminal.print(`\n${terminal.style('bold', fullName(object))}`);
    terminal.print(
      renderTable(
        [{ header: 'column' }, { header: 'type' }, { header: 'null' }, { header: 'comment', maxWidth: 60 }],
        object.columns.map((column) => [
          column.name,
          column.sourceType,
          column.nullable ? 'yes' : 'no',
          column.comment ?? '',
        ]),
        options,
      ),
    );
    for (const { column, reason } of object.watermarkSuggestions) {
      const setting = object.kind === 'file_group' ? 'incremental_mode' : 'watermark_column';
      terminal.print(terminal.style('dim', `  ${setting} could be ${column}: ${reason}`));
    }
  }
}

function fullName({ schema, name }: DiscoveredObject): string {
  return schema === null ? name : `${schema}.${name}`;
}
