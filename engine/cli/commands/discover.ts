import { openSource } from '../../connectors.ts';
import { bytesText } from '../../runs/event-text.ts';
import type { DiscoveredObject } from '../../sources/source.ts';
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
    const { project, directory } = await openForCommand(context);
    const source = await openSource(findConnection(project, name), { projectDirectory: directory });
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
      else printObjects(context, objects, options.columns === true);
      return EXIT.ok;
    } finally {
      await source.close();
    }
  } finally {
    cancellation.dispose();
  }
}

function printObjects({ terminal }: CommandContext, objects: DiscoveredObject[], withColumns: boolean): void {
  if (objects.length === 0) {
    terminal.print('Nothing was found. An API has no list of its resources: preview a job instead.');
    return;
  }
  const options = { width: terminal.printColumns, style: terminal.style.bind(terminal) };
  const rows = objects.map((object) => [
    fullName(object),
    object.kind.replaceAll('_', ' '),
    object.rowEstimate === null ? '' : `~${formatCount(object.rowEstimate)}`,
    object.bytes === null ? '' : bytesText(object.bytes),
    object.primaryKey.join(', '),
    object.comment ?? '',
  ]);
  terminal.print(
    renderTable(
      [
        { header: 'name' },
        { header: 'kind' },
        { header: 'rows', align: 'right' },
        { header: 'size', align: 'right' },
        { header: 'key' },
        { header: 'comment', maxWidth: 60 },
      ],
      rows,
      options,
    ),
  );
  terminal.print(`\n${plural(objects.length, 'object')}`);
  if (!withColumns) return;
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
      terminal.print(terminal.style('dim', `  watermark_column could be ${column}: ${reason}`));
    }
  }
}

function fullName({ schema, name }: DiscoveredObject): string {
  return schema === null ? name : `${schema}.${name}`;
}
