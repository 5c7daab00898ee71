import type { WorkspaceConnection } from '../duckdb/workspace.ts';
import { IngestError } from '../errors.ts';

/** Functions in FROM that read nothing but their arguments. Every other one may reach files, settings or secrets. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest', 'json_each', 'json_tree']);
/** Functions that change something, or tell what is not data. */
const FORBIDDEN_FUNCTIONS = new Set([
  'nextval',
  'currval',
  'setseed',
  'write_log',
  'sleep_ms',
  'getenv',
  'getvariable',
  'current_setting',
  'current_query',
  'stats',
]);

export interface ReferencedTable {
  catalog: string;
  schema: string;
  table: string;
}

/**
 * Proves by DuckDB's own parser that a text is one statement that only reads tables, and tells which. Not by its words: what DuckDB would run is looked at,
 * so that no spelling gets by. Files, extensions, settings, secrets and sequences cannot be reached.
 * @returns the tables that it names, without those of its own WITH
 * @throws IngestError CHECK_SQL_NOT_READ_ONLY, CHECK_SQL_FAILED
 */
export async function readOnlyTables(connection: WorkspaceConnection, sql: string): Promise<ReferencedTable[]> {
  const prepared = await connection.runAndReadAll('SELECT json_serialize_sql(CAST($1 AS VARCHAR))', [sql]);
  const parsed = JSON.parse(String(prepared.getRows()[0]?.[0])) as {
    error: boolean;
    error_type?: string;
    error_message?: string;
    statements?: unknown[];
  };
  if (parsed.error) {
    if (parsed.error_type === 'not implemented') throw notReadOnly('It is no SELECT.');
    throw new IngestError('CHECK_SQL_FAILED', `The statement cannot be read: ${parsed.error_message ?? 'unknown'}`, {
      hint: 'Try it in the console of Results, with the table in place of {table}.',
    });
  }
  const statements = parsed.statements ?? [];
  if (statements.length !== 1) throw notReadOnly(`It holds ${statements.length} statements.`);
  const tables: ReferencedTable[] = [];
  visit(statements[0], new Set(), tables);
  return tables;
}

type Node = Record<string, unknown>;

/** Walks the tree of a parsed statement; `own` are the names that WITH gives at this place. */
function visit(value: unknown, own: ReadonlySet<string>, tables: ReferencedTable[]): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, own, tables);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const node = value as Node;
  let known = own;
  for (const { key, value: definition } of withEntries(node)) {
    // A name is not yet its own in its definition: there it may mean a table, or a file.
    visit(definition, known, tables);
    known = new Set([...known, String(key).toLowerCase()]);
  }
  switch (node['type']) {
    case 'TABLE_FUNCTION': {
      const name = functionName(node['function']);
      if (!TABLE_FUNCTIONS.has(name)) throw notReadOnly(`It uses ${name}().`);
      break;
    }
    case 'SHOW_REF':
      throw notReadOnly('It is no SELECT.');
    case 'BASE_TABLE': {
      const table = { catalog: nameOf(node, 'catalog'), schema: nameOf(node, 'schema'), table: nameOf(node, 'table') };
      const isOwn = table.catalog === '' && table.schema === '' && known.has(table.table.toLowerCase());
      if (!isOwn) tables.push(table);
      break;
    }
    default:
      if (node['class'] === 'FUNCTION' && FORBIDDEN_FUNCTIONS.has(functionName(node)))
        throw notReadOnly(`It uses ${functionName(node)}().`);
  }
  for (const [key, child] of Object.entries(node)) {
    if (key === 'cte_map') continue;
    const recursive = node['type'] === 'RECURSIVE_CTE_NODE' && key === 'right';
    visit(child, recursive ? new Set([...known, String(node['cte_name']).toLowerCase()]) : known, tables);
  }
}

function withEntries(node: Node): { key?: unknown; value?: unknown }[] {
  return (node['cte_map'] as { map?: { key?: unknown; value?: unknown }[] } | undefined)?.map ?? [];
}

function functionName(node: unknown): string {
  return String((node as Node | null)?.['function_name'] ?? 'an unknown function').toLowerCase();
}

function nameOf(node: Node, part: 'catalog' | 'schema' | 'table'): string {
  return String(node[`${part}_name`] ?? '');
}

export function notReadOnly(reason: string): IngestError {
  return new IngestError('CHECK_SQL_NOT_READ_ONLY', `A check only reads tables. ${reason}`, {
    hint: 'Write one SELECT that gives one value, over {table} and other tables of the destination by their bare names.',
  });
}
