import { valueAt } from '../../../engine/spec/connection-fields.ts';
import { connectionKind } from '../../../engine/spec/connection-kinds.ts';
import type { ParsedConnection } from '../../../engine/spec/parse-connection.ts';
import type { Table } from '../../../engine/spec/project.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import type { ConnectionDraft } from '../../stores/connection-store.ts';
import { shownWays, withField, withValue, withWay } from './connection-form.ts';

/** Can a form of this kind take what was pasted? A bucket is as good for reading as for loading. */
export function takesParsed({ section, type }: ConnectionDraft, parsed: ParsedConnection): boolean {
  return type === parsed.type && (section === parsed.section || type === 'filesystem');
}

/** What a pasted text says, laid over a draft of the same kind; the ways that it does not take are left. */
export function withParsed(draft: ConnectionDraft, parsed: ParsedConnection): ConnectionDraft {
  const kind = connectionKind(draft.section, draft.type);
  if (kind === undefined) return draft;
  let next: ConnectionDraft = { ...draft, ways: {} };
  const said: ConnectionDraft = { ...draft, table: parsed.values, base: {}, secrets: parsed.secrets, ways: {} };
  for (const { way, value } of shownWays(said, kind)) {
    const names = way.options.find((option) => option.value === value)?.tells ?? [];
    if (names.length > 0) next = withWay(next, kind, way, value);
  }
  const flat: Table = {};
  for (const [key, value] of Object.entries(parsed.values)) if (!isTable(value)) flat[key] = value;
  for (const field of kind.fields) {
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
  return { section, type, name, previousName: null, table: {}, base: {}, secrets: {}, touched: [], ways: {} };
}
