import { Button, Input, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { useEffect, useId, useRef, useState } from 'react';
import { placeText, type SecretState } from './connection-form.ts';
import classes from './connections-screen.module.css';

export interface SecretFieldProps {
  label: string;
  help: string;
  required: boolean;
  state: SecretState;
  /** Newly entered, not saved yet. */
  entered: string | undefined;
  problem: string | null;
  /** Undefined: what is kept stays. '' forgets it. */
  onChange(value: string | undefined): void;
  onBlur(): void;
}

/**
 * A secret: whether and where it is set, never what it is. What is typed is held by the input alone as its property,
 * so that it stands in no attribute of the page.
 */
export function SecretField({ label, help, required, state, entered, problem, onChange, onBlur }: SecretFieldProps) {
  const id = useId();
  const [editing, setEditing] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const open = editing || state.state === 'not_set' || state.state === 'entered';
  useEffect(() => {
    if (!open || input.current === null) return;
    if (input.current.value !== (entered ?? '')) input.current.value = entered ?? '';
  }, [open, entered]);
  useEffect(() => {
    if (editing) input.current?.focus();
  }, [editing]);

  if (open) {
    const back =
      state.state === 'not_set' ? null : (
        <Button
          size="xs"
          variant="subtle"
          onClick={() => {
            setEditing(false);
            onChange(undefined);
          }}
        >
          Undo
        </Button>
      );
    return (
      <TextInput
        ref={input}
        type="password"
        label={label}
        description={help}
        required={required}
        autoComplete="new-password"
        spellCheck={false}
        error={problem}
        placeholder={editing ? 'New value' : 'Not set'}
        rightSection={back}
        rightSectionWidth={56}
        onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? undefined : currentTarget.value)}
        onBlur={onBlur}
      />
    );
  }
  const origin = state.state === 'set' ? state.origin : null;
  const elsewhere = origin !== null && origin.origin !== 'keychain';
  const clear = origin?.origin === '.dlt/config.toml';
  const words =
    state.state === 'forgotten'
      ? 'Will be forgotten'
      : origin === null
        ? 'Set'
        : clear
          ? 'In clear text in config.toml'
          : `In ${origin.origin === 'environment' ? origin.place : placeText(origin)}`;
  const note = clear
    ? 'Replace it to keep it in the keychain, then take it out of the file'
    : elsewhere
      ? 'That place counts before the keychain: change it there'
      : help;
  return (
    <Input.Wrapper
      label={label}
      labelElement="div"
      labelProps={{ id }}
      required={required}
      error={problem}
      description={note}
    >
      <fieldset className={classes.secret} aria-labelledby={id} data-error={problem !== null || undefined}>
        <IconKey size={14} aria-hidden="true" />
        <span className="grow truncate" data-tone={clear ? 'warn' : undefined} title={words}>
          {words}
        </span>
        {state.state === 'forgotten' ? (
          <Button size="xs" variant="subtle" onClick={() => onChange(undefined)}>
            Undo
          </Button>
        ) : (
          <>
            {origin?.origin === 'keychain' ? (
              <Button size="xs" variant="subtle" data-quiet aria-label={`Forget ${label}`} onClick={() => onChange('')}>
                Forget
              </Button>
            ) : null}
            {!elsewhere || clear ? (
              <Button size="xs" variant="subtle" aria-label={`Replace ${label}`} onClick={() => setEditing(true)}>
                Replace
              </Button>
            ) : null}
          </>
        )}
      </fieldset>
    </Input.Wrapper>
  );
}
