import { ActionIcon, Button, Input, TextInput } from '@mantine/core';
import { IconKey, IconPlus, IconTrash } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { SECRET_PLACEHOLDER } from '../../../engine/spec/secret-placeholder.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import classes from './connections-screen.module.css';

export interface MapFieldProps {
  label: string;
  help: string;
  value: unknown;
  /** Newly entered secrets of this map by name. */
  secrets: Readonly<Record<string, string>>;
  problem: string | null;
  isSecret(name: string): boolean;
  /** The whole map without secrets that are kept; and the secrets that were changed ('' forgets). */
  onChange(value: Record<string, unknown> | undefined, secrets: Record<string, string>): void;
}

interface Row {
  id: number;
  name: string;
  value: string;
  /** A secret is kept under this name. */
  kept: boolean;
}

let nextId = 1;

function rowsOf(value: unknown, secrets: Readonly<Record<string, string>>): Row[] {
  const rows: Row[] = Object.entries(isTable(value) ? value : {}).map(([name, text]) => {
    const kept = typeof text === 'string' && text.includes(SECRET_PLACEHOLDER);
    return { id: nextId++, name, value: kept ? (secrets[name] ?? '') : String(text), kept };
  });
  const known = new Set(rows.map(({ name }) => name));
  for (const [name, text] of Object.entries(secrets)) {
    if (!known.has(name) && text !== '') rows.push({ id: nextId++, name, value: text, kept: false });
  }
  return rows.filter(({ name, kept }) => !(kept && secrets[name] === ''));
}

/** Names with values, such as headers. A value whose name says that it is a secret is entered as one and goes to the keychain. */
export function MapField({ label, help, value, secrets, problem, isSecret, onChange }: MapFieldProps) {
  const [rows, setRows] = useState(() => rowsOf(value, secrets));
  const [removed, setRemoved] = useState<readonly string[]>([]);

  function apply(next: Row[], gone: readonly string[] = removed): void {
    setRows(next);
    setRemoved(gone);
    const map: Record<string, unknown> = {};
    const changed: Record<string, string> = {};
    for (const name of gone) changed[name] = '';
    for (const { name, value: text, kept } of next) {
      if (name.trim() === '') continue;
      if (!isSecret(name)) map[name] = text;
      else if (text !== '') changed[name] = text;
      else if (kept) map[name] = SECRET_PLACEHOLDER;
      if (isSecret(name) && kept) {
        map[name] = SECRET_PLACEHOLDER;
        if (text === '') delete changed[name];
      }
    }
    onChange(Object.keys(map).length === 0 ? undefined : map, changed);
  }

  const change = (id: number, patch: Partial<Row>) =>
    apply(rows.map((row) => (row.id === id ? { ...row, ...patch } : row)));
  return (
    <Input.Wrapper label={label} labelElement="div" description={help} error={problem} className={classes.wide ?? ''}>
      <div className={classes.map}>
        {rows.map((row) => (
          <div key={row.id} className={classes.mapRow}>
            <TextInput
              aria-label={`${label}: name`}
              placeholder="Name"
              value={row.name}
              readOnly={row.kept}
              onChange={({ currentTarget }) => change(row.id, { name: currentTarget.value })}
            />
            {isSecret(row.name) ? (
              <SecretInput
                label={`${label}: secret value of ${row.name}`}
                value={row.value}
                kept={row.kept}
                onChange={(text) => change(row.id, { value: text })}
              />
            ) : (
              <TextInput
                aria-label={`${label}: value of ${row.name || 'the new name'}`}
                placeholder="Value"
                value={row.value}
                onChange={({ currentTarget }) => change(row.id, { value: currentTarget.value })}
              />
            )}
            <ActionIcon
              aria-label={`Remove ${row.name || 'the blank line'}`}
              onClick={() =>
                apply(
                  rows.filter(({ id }) => id !== row.id),
                  row.kept ? [...removed, row.name] : removed,
                )
              }
            >
              <IconTrash size={14} />
            </ActionIcon>
          </div>
        ))}
        <Button
          size="xs"
          variant="subtle"
          className={classes.mapAdd ?? ''}
          leftSection={<IconPlus size={14} />}
          onClick={() => setRows([...rows, { id: nextId++, name: '', value: '', kept: false }])}
        >
          Add
        </Button>
      </div>
    </Input.Wrapper>
  );
}

/** As in a secret's field: what is typed is the input's property, never an attribute. */
function SecretInput(props: { label: string; value: string; kept: boolean; onChange(text: string): void }) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current !== null && input.current.value !== props.value) input.current.value = props.value;
  }, [props.value]);
  return (
    <TextInput
      ref={input}
      type="password"
      aria-label={props.label}
      autoComplete="new-password"
      placeholder={props.kept ? 'Set; type to replace' : 'Goes to the keychain'}
      leftSection={<IconKey size={14} />}
      onChange={({ currentTarget }) => props.onChange(currentTarget.value)}
    />
  );
}
