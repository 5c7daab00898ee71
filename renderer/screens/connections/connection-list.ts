import type { ProjectDocument } from '../../../engine/contract.ts';
import { type ConnectionKind, type Section, storeOf } from '../../../engine/spec/connection-fields.ts';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import { connectionUses, readConnections, sourceTypeOf } from '../../../engine/spec/connections.ts';
import { findDestinations } from '../../../engine/spec/destination-table.ts';
import { FindingList } from '../../../engine/spec/finding-list.ts';
import type { RawSheet, Table } from '../../../engine/spec/project.ts';
import { headerName } from '../../../engine/spec/sheet.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import type { ProjectStore } from '../../stores/project-store.ts';

/** A connection or destination as the project's files have it. */
export interface ListedConnection {
  section: Section;
  name: string;
  /** Null where the files do not tell what it is. */
  kind: ConnectionKind | null;
  table: Table;
  /** Where the files say it: `sources.shop`, `destination.duckdb`. */
  path: string;
  /** The one thing that tells it from others of its kind: host, address, folder. */
  place: string;
  /** Row ids of the jobs that read from it; of destinations none. */
  jobs: readonly string[];
}

/** A row of the jobs, as far as it names a connection. */
export interface JobReference {
  rowId: string;
  source_name: string;
  source_type: string;
}

/** Everything that the files and the edited jobs say of connections, in the order of the files. */
export function listConnections(
  { config, secretPaths }: Pick<ProjectDocument, 'config' | 'secretPaths'>,
  sheet: RawSheet | null,
  jobs: readonly JobReference[],
): ListedConnection[] {
  const context = { list: new FindingList(), secretPaths: new Set(secretPaths), severity: 'warning' as const };
  const sources = isTable(config.sources) ? config.sources : {};
  const index = new Map((sheet?.headers ?? []).map((header, position) => [headerName(header), position]));
  const read = readConnections(context.list, config, context.secretPaths, connectionUses(sheet, index, sources));
  const users = new Map<string, string[]>();
  for (const { rowId, source_name, source_type } of jobs) {
    const named = source_name.trim();
    const name = Object.hasOwn(sources, named) ? named : sourceTypeOf(source_type);
    if (name !== null) users.set(name, [...(users.get(name) ?? []), rowId]);
  }
  const listed: ListedConnection[] = Object.entries(sources).flatMap(([name, table]) => {
    if (!isTable(table)) return [];
    const type = read.tables.get(name)?.type;
    const kind = type === undefined ? null : (connectionKind('sources', type) ?? null);
    const path = `sources.${name}`;
    return [{ section: 'sources', name, kind, table, path, place: placeOf(table), jobs: users.get(name) ?? [] }];
  });
  for (const found of findDestinations(context, config).tables.values()) {
    const { name, table, type } = found;
    const kind = connectionKind('destinations', type) ?? null;
    const path = found.path.join('.');
    listed.push({ section: 'destinations', name, kind, table, path, place: placeOf(table), jobs: [] });
  }
  return listed;
}

/** The same of the project as it stands in the window. */
export function listedConnections(project: ProjectStore): ListedConnection[] {
  const { document } = project.getState();
  if (document === null) return [];
  const jobs = project.rowIds('SourceConfig').map((rowId) => ({
    rowId,
    source_name: project.cell('SourceConfig', rowId, 'source_name'),
    source_type: project.cell('SourceConfig', rowId, 'source_type'),
  }));
  return listConnections(document, project.rawSheet('SourceConfig'), jobs);
}

function placeOf(table: Table): string {
  for (const at of [table, table.credentials, table.client]) {
    if (!isTable(at)) continue;
    for (const key of ['host', 'server', 'base_url', 'url', 'bucket_url', 'path', 'server_hostname', 'descriptor']) {
      const value = at[key];
      if (typeof value === 'string' && value !== '') return value.replace(/^https?:\/\//, '');
    }
  }
  return '';
}

/** Names of the destinations that lie in a bucket, where a warehouse can pick files up. */
export function bucketDestinations({ config, secretPaths }: Pick<ProjectDocument, 'config' | 'secretPaths'>): string[] {
  const context = { list: new FindingList(), secretPaths: new Set(secretPaths), severity: 'warning' as const };
  return [...findDestinations(context, config).tables.values()]
    .filter(({ type, table }) => type === 'filesystem' && storeOf(table.bucket_url ?? table.url) !== 'local')
    .map(({ name }) => name);
}

/** A name that no connection has: `shop_2`. */
export function freeName(wanted: string, taken: readonly string[]): string {
  const base = wanted === '' ? 'connection' : wanted;
  if (!taken.includes(base)) return base;
  for (let number = 2; ; number += 1) {
    const name = `${base}_${number}`;
    if (!taken.includes(name)) return name;
  }
}
