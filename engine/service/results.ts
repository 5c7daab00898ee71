import type { ParsedInput } from '../contract.ts';
import { chooseDestination } from '../pipeline/plan-run.ts';
import { answerQuery } from '../results/console.ts';
import { exportTable } from '../results/export-table.ts';
import { type OpenResults, type OpenResultsOptions, withResults } from '../results/open-results.ts';
import { readPage } from '../results/page.ts';
import { profileTable } from '../results/profile.ts';
import type { CallContext, HandlerGroup } from './handlers.ts';
import { workDirectoryOf } from './work-directory.ts';

/** A query may take so long, in milliseconds; profiles and exports longer. */
const QUERY_LIMIT = 60_000;
const EXPORT_LIMIT = 3_600_000;

type Place = Pick<ParsedInput<'result.tables'>, 'directory' | 'env' | 'destination'>;

/** What runs have loaded: tables, rows, shapes, queries, files. Reads only. */
export const resultHandlers: HandlerGroup<
  'result.tables' | 'result.page' | 'result.profile' | 'result.query' | 'result.export'
> = (service) => {
  async function look<Result>(
    place: Place,
    call: CallContext,
    task: (results: OpenResults) => Promise<Result>,
    options: Partial<OpenResultsOptions> = {},
  ): Promise<Result> {
    const { directory, project } = await service.openKept(place.directory, place.env);
    const destination = chooseDestination(project, place.destination);
    const baseDirectory = await workDirectoryOf(service, directory);
    return await withResults(destination, { baseDirectory, signal: call.signal, ...options }, task);
  }
  return {
    'result.tables': (input, call) =>
      look(input, call, async ({ reader }) =>
        reader.tables.map(({ schema, table, parent, rows, columns, loadedAt }) => ({
          schema,
          table,
          parent,
          rows,
          columns,
          loaded_at: loadedAt,
        })),
      ),
    'result.page': (input, call) =>
      look(input, call, (results) => readPage(results, { ...input, orderBy: input.order_by })),
    'result.profile': (input, call) => look(input, call, (results) => profileTable(results, input.schema, input.table)),
    'result.query': (input, call) =>
      look(input, call, (results) => answerQuery(results, input.sql, input.limit), { timeLimit: QUERY_LIMIT }),
    'result.export': (input, call) =>
      look(input, call, (results) => exportTable(results, input), { timeLimit: EXPORT_LIMIT, writesFile: true }),
  };
};
