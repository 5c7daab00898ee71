import type {
  ReadContext,
  ReadRequest,
  ReadSummary,
  Segment,
  Source,
  SourceColumn,
} from '../../engine/sources/source.ts';

/** What the source answers to one read: a query a segment, all with the same columns. */
export interface QueryRead {
  queries: string[];
  summary?: Partial<ReadSummary>;
  /** Thrown after the segments. */
  failure?: Error;
  /** Changes to the columns that DuckDB describes, by name. */
  columns?: Record<string, Partial<SourceColumn>>;
}

/**
 * A source whose rows are DuckDB queries: pipelines are tested with exactly the rows that a test names, without a server.
 * `respond` sees each request, as a real source would.
 */
export function querySource(respond: (request: ReadRequest) => QueryRead): Source & { requests: ReadRequest[] } {
  const requests: ReadRequest[] = [];
  return {
    requests,
    async *read(request: ReadRequest, context: ReadContext): AsyncGenerator<Segment, ReadSummary> {
      requests.push(request);
      const answer = respond(request);
      const connection = await context.workspace.connect();
      let records = 0;
      try {
        for (const query of answer.queries) {
          const name = context.workspace.uniqueName('query_segment');
          await connection.run(`CREATE TABLE "${name}" AS ${query}`);
          const described = await connection.rows<{ column_name: string; column_type: string }>(`DESCRIBE "${name}"`);
          const [count] = await connection.rows<{ n: string }>(`SELECT count(*) AS n FROM "${name}"`);
          records += Number(count?.n);
          yield {
            from: `"${name}"`,
            columns: described.map((column) => ({
              name: column.column_name,
              sourceType: column.column_type,
              segmentType: column.column_type,
              landedType: column.column_type,
              nullable: true,
              ...answer.columns?.[column.column_name],
            })),
            rows: Number(count?.n),
            bytes: 100,
            release: async () => {
              const cleaning = await context.workspace.connect();
              await cleaning.run(`DROP TABLE IF EXISTS "${name}"`);
              cleaning.close();
            },
          };
        }
        if (answer.failure) throw answer.failure;
        return {
          verdict: { reason: 'end_of_table', detail: 'All rows were read.', records },
          retries: 0,
          ...answer.summary,
        };
      } finally {
        connection.close();
      }
    },
    async *test() {},
    discover: async () => [],
    explain: async () => 'a query',
    preview: async () => ({ pages: [], schema: [], stop: { reason: 'end', detail: '' }, detected: {}, warnings: [] }),
    close: async () => {},
  };
}
