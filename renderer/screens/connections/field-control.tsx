import { Autocomplete, Checkbox, Input, SegmentedControl, Select, TextInput } from '@mantine/core';
import type { ConnectionField } from '../../../engine/spec/connection-fields.ts';
import classes from './connections-screen.module.css';

const CHOICE_WORDS: Readonly<Record<string, string>> = {
  none: 'None',
  api_key: 'API key',
  bearer: 'Bearer token',
  basic: 'Basic',
  oauth2: 'OAuth 2',
  header: 'Header',
  query: 'Query parameter',
  form: 'Form',
  sql: 'SQL login',
  ntlm: 'Windows account (NTLM)',
  service_principal: 'Entra ID application',
  default_credential: 'This computer’s Azure sign-in',
  browser: 'Entra ID, in your browser',
};

export interface FieldControlProps {
  field: ConnectionField;
  value: unknown;
  problem: string | null;
  warning: string | null;
  /** Where the value comes from, where that is not config.toml. */
  origin: string | null;
  /** Values that a text can be chosen from. */
  offered: readonly string[];
  onChange(value: unknown): void;
  onBlur(): void;
}

/** The text of a number as a person is typing it: what is no number yet stays and is marked. */
function numberOrText(text: string): unknown {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  return /^[+-]?(\d+(\.\d+)?|\.\d+)$/.test(trimmed) ? Number(trimmed) : text;
}

/** One field of a form that is no secret and no map. */
export function FieldControl({ field, value, problem, warning, origin, offered, onChange, onBlur }: FieldControlProps) {
  const { label, control, choices, required } = field;
  const range = field.min !== null && field.max !== null ? `${field.min} to ${field.max}` : null;
  const notes = [origin === null ? field.help : `From ${origin}, which counts before this file`, warning];
  const description = notes.filter((note) => note !== null && note !== '').join('. ') || undefined;
  const shown = value === undefined || value === null ? '' : String(value);
  if (control === 'flag') {
    return (
      <Checkbox
        className={classes.wide ?? ''}
        label={label}
        description={description}
        error={problem}
        checked={value === undefined ? field.default === true : value === true || value === 'true'}
        onChange={({ currentTarget }) =>
          onChange(currentTarget.checked === field.default ? undefined : currentTarget.checked)
        }
        onBlur={onBlur}
      />
    );
  }
  if (control === 'choice') {
    const known = choices.find((choice) => choice.toLowerCase() === shown.trim().toLowerCase());
    const data = choices.map((choice) => ({ value: choice, label: CHOICE_WORDS[choice] ?? choice }));
    // A word that is no choice stays, and is marked.
    if (shown !== '' && known === undefined) data.push({ value: shown, label: shown });
    const current = known ?? (shown === '' ? String(field.default ?? '') : shown);
    const change = (next: string) => {
      if (next !== current) onChange(next === field.default ? undefined : next);
    };
    return (
      <ChoiceControl
        label={label}
        description={description}
        problem={problem}
        options={data}
        value={current}
        onChange={change}
        onBlur={onBlur}
      />
    );
  }
  const number = control === 'integer' || control === 'number';
  if (offered.length > 0) {
    return (
      <Autocomplete
        label={label}
        required={required}
        description={description}
        error={problem}
        data={[...offered]}
        value={shown}
        spellCheck={false}
        onChange={(text) => onChange(text === '' ? undefined : text)}
        onBlur={onBlur}
      />
    );
  }
  return (
    <TextInput
      className={field.wide ? (classes.wide ?? '') : ''}
      label={label}
      required={required}
      description={description}
      error={problem}
      value={shown}
      spellCheck={false}
      placeholder={field.default === null ? (field.example ?? '') : String(field.default)}
      inputMode={number ? 'decimal' : 'text'}
      title={number && range !== null ? range : ''}
      onChange={({ currentTarget: { value: text } }) =>
        onChange(number ? numberOrText(text) : text === '' ? undefined : text)
      }
      onBlur={onBlur}
    />
  );
}

export interface ChoiceControlProps {
  label: string;
  description?: string | undefined;
  problem?: string | null;
  options: readonly { value: string; label: string }[];
  value: string;
  onChange(value: string): void;
  onBlur?(): void;
}

/** Beyond so many letters the options do not fit beside each other. */
const LETTERS_ABREAST = 60;

/** One of several: side by side where that fits, else as a list. */
export function ChoiceControl({ label, description, problem, options, value, onChange, onBlur }: ChoiceControlProps) {
  const data = options.map((option) => ({ value: option.value, label: option.label }));
  const letters = data.reduce((sum, option) => sum + option.label.length, 0);
  if (data.length > 5 || letters > LETTERS_ABREAST) {
    return (
      <Select
        className={classes.wide ?? ''}
        label={label}
        description={description}
        error={problem}
        data={data}
        value={value}
        allowDeselect={false}
        onChange={(next) => {
          if (next !== null) onChange(next);
        }}
        onBlur={onBlur}
      />
    );
  }
  return (
    <Input.Wrapper
      label={label}
      labelElement="div"
      description={description}
      error={problem}
      className={classes.wide ?? ''}
    >
      <div>
        <SegmentedControl aria-label={label} data={data} value={value} onChange={onChange} />
      </div>
    </Input.Wrapper>
  );
}
