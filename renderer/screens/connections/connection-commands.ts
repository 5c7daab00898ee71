import type { Input } from '../../../engine/contract.ts';
import { valueAt } from '../../../engine/spec/connection-fields.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import { call } from '../../client.ts';
import type { AppStores } from '../../stores/app-stores.ts';
import { type ConfigStep, configStep, valueChanges, withoutSecrets } from '../../stores/config-step.ts';
import { type ConnectionDraft, connectionKey, NEW_DRAFT } from '../../stores/connection-store.ts';
import { changedValues } from './connection-form.ts';
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
  const { section, previousName, name } = draft;
  const before = project.getState().document?.config ?? {};
  const document = await call('connection.save', {
    ...place(stores),
    section,
    connection: draftInput(draft),
    previous_name: previousName,
  });
  connections.dropDraft(key);
  const renamed = previousName !== null && previousName !== name;
  const nextKey = connectionKey(section, name);
  if (key !== nextKey) connections.rename(key, nextKey);
  // Where the workbook is another one by now the window was told so and asks what to do.
  const adopted = project.adopt(document);
  const followers = renamed && section === 'sources' ? (listed?.jobs ?? []) : [];
  const label = renamed
    ? `Rename connection ${previousName} to ${name}`
    : `${previousName === null ? 'Add' : 'Change'} connection ${name}`;
  const config = adopted ? savedStep(draft, before, document.config) : null;
  if (followers.length > 0) {
    const cells = followers.map((rowId) => ({ rowId, columnId: 'source_name', value: name }));
    project.edit('SourceConfig', { label, operations: [{ type: 'set', cells }] }, { config });
  } else if (config !== null) project.recordConfig(label, config);
  window.go('connections', nextKey);
  const jobs = followers.length === 1 ? '1 job follows' : `${followers.length} jobs follow`;
  window.toast({
    tone: 'ok',
    title: renamed ? `Renamed to ${draft.name}` : `${draft.name} saved`,
    ...(followers.length === 0 ? {} : { text: `${jobs} the new name; save the workbook to keep that.` }),
  });
}

/** What a save has changed, as a step of undo; null where that were secrets only. */
function savedStep(
  { section, type, name, previousName, table, base, secrets }: ConnectionDraft,
  before: Table,
  after: Table,
): ConfigStep | null {
  const from = pathOf(before, section, previousName ?? name);
  const to = pathOf(after, section, name);
  const entered = Object.keys(secrets).length > 0 ? previousName : null;
  if (previousName === null || previousName === name) {
    const keys = Object.keys(valueChanges(base, table));
    const step = configStep(before, after, previousName === null ? [to] : keys.map((key) => [...to, key]));
    return step === null ? null : { ...step, entered };
  }
  const [old, now] = [withoutSecrets(valueAt(before, from)), withoutSecrets(valueAt(after, to))];
  const renamed = { section, type, from: previousName, to: name, before: asTable(old), after: asTable(now) };
  return { changes: [], renamed, forgotten: null, entered };
}

/** Where a connection stands in the files: `[destination.NAME]` is as good as `[destinations.NAME]`. */
function pathOf(config: Table, section: ConnectionDraft['section'], name: string): string[] {
  const singular = ['destination', name];
  return section === 'destinations' && isTable(valueAt(config, singular)) ? singular : [section, name];
}

const asTable = (value: unknown): Table => (isTable(value) ? value : {});

/** Takes a connection out of the files and forgets its secrets. */
export async function removeConnection(stores: Stores, { section, name, table }: ListedConnection): Promise<void> {
  const before = stores.project.getState().document?.config ?? {};
  const document = await call('connection.remove', { ...place(stores), section, name });
  stores.connections.forget(connectionKey(section, name));
  const adopted = stores.project.adopt(document);
  const step = adopted ? configStep(before, document.config, [pathOf(before, section, name)]) : null;
  if (step !== null) {
    const hadSecrets = JSON.stringify(table) !== JSON.stringify(withoutSecrets(table));
    stores.project.recordConfig(`Delete connection ${name}`, { ...step, forgotten: hadSecrets ? name : null });
  }
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
