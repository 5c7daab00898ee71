import type { Input } from '../../../engine/contract.ts';
import { connectionKind, valueAt } from '../../../engine/spec/connection-fields.ts';
import type { ParsedConnection } from '../../../engine/spec/parse-connection.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import { call } from '../../client.ts';
import type { AppStores } from '../../stores/app-stores.ts';
import { type ConnectionDraft, connectionKey, NEW_DRAFT } from '../../stores/connection-store.ts';
import { changedValues, withField, withValue } from './connection-form.ts';
import type { ListedConnection } from './connection-list.ts';

export type Stores = Pick<AppStores, 'project' | 'connections' | 'window'>;

/** The key of a draft among the drafts, tests and the window's subjects. */
export function draftKey({ section, previousName }: ConnectionDraft): string {
  return previousName === null ? NEW_DRAFT : connectionKey(section, previousName);
}

function place({ project }: Stores): { directory: string; env: string | null } {
  const { document } = project.getState();
  if (document === null) throw new Error('No project is open.');
  return { directory: document.directory, env: document.env };
}

/** The draft as the engine takes it: what differs from the files, and newly entered secrets. */
export function draftInput(draft: ConnectionDraft): Input<'connection.test'>['connection'] {
  const values = changedValues(draft);
  return { name: draft.name.trim() || 'new', type: draft.type, values, secrets: { ...draft.secrets } };
}

/**
 * Writes a connection to config.toml and its secrets to the keychain; its jobs follow a new name in one step of undo.
 * @throws ContractError; nothing is written then
 */
export async function saveConnection(
  stores: Stores,
  draft: ConnectionDraft,
  listed: ListedConnection | null,
): Promise<void> {
  const { project, connections, window } = stores;
  const key = draftKey(draft);
  const { section, previousName } = draft;
  const document = await call('connection.save', {
    ...place(stores),
    section,
    connection: draftInput(draft),
    previous_name: previousName,
  });
  connections.dropDraft(key);
  const renamed = previousName !== null && previousName !== draft.name;
  const nextKey = connectionKey(section, draft.name);
  if (key !== nextKey) connections.rename(key, nextKey);
  // Where the workbook is another one by now the window was told so and asks what to do.
  project.adopt(document);
  const followers = renamed && section === 'sources' ? (listed?.jobs ?? []) : [];
  if (followers.length > 0) {
    project.edit('SourceConfig', {
      label: `Rename connection ${previousName} to ${draft.name}`,
      operations: [
        { type: 'set', cells: followers.map((rowId) => ({ rowId, columnId: 'source_name', value: draft.name })) },
      ],
    });
  }
  window.go('connections', nextKey);
  const jobs = followers.length === 1 ? '1 job follows' : `${followers.length} jobs follow`;
  window.toast({
    tone: 'ok',
    title: renamed ? `Renamed to ${draft.name}` : `${draft.name} saved`,
    ...(followers.length === 0 ? {} : { text: `${jobs} the new name; save the workbook to keep that.` }),
  });
}

/** Takes a connection out of the files and forgets its secrets. */
export async function removeConnection(stores: Stores, { section, name }: ListedConnection): Promise<void> {
  const document = await call('connection.remove', { ...place(stores), section, name });
  stores.connections.forget(connectionKey(section, name));
  stores.project.adopt(document);
  stores.window.go('connections');
  stores.window.toast({ tone: 'ok', title: `${name} deleted` });
}

/** Tests a draft as it stands, saved or not. */
export function testDraft(stores: Stores, draft: ConnectionDraft): Promise<void> {
  return stores.connections.test(draftKey(draft), {
    ...place(stores),
    section: draft.section,
    connection: draftInput(draft),
    previous_name: draft.previousName,
  });
}

/** What a pasted text says, laid over a draft of the same kind. */
export function withParsed(draft: ConnectionDraft, parsed: ParsedConnection): ConnectionDraft {
  const kind = connectionKind('sources', parsed.type);
  let next = draft;
  const flat: Table = {};
  for (const [key, value] of Object.entries(parsed.values)) if (!isTable(value)) flat[key] = value;
  for (const field of kind?.fields ?? []) {
    const value = valueAt(parsed.values, field.path);
    if (value !== undefined) next = withField(next, field, value);
    delete flat[field.key];
  }
  for (const [key, value] of Object.entries(flat)) {
    if (value !== undefined) next = { ...next, table: withValue(next.table, [key], value) };
  }
  return { ...next, secrets: { ...next.secrets, ...parsed.secrets } };
}

export function emptyDraft(section: ConnectionDraft['section'], type: string, name: string): ConnectionDraft {
  return { section, type, name, previousName: null, table: {}, base: {}, secrets: {}, touched: [] };
}
