import { Button, Select, TextInput } from '@mantine/core';
import { IconArrowRight, IconKey, IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { AUTH_TYPES, PAGINATION_TYPES } from '../../../engine/spec/kinds.ts';
import { isTable } from '../../../engine/spec/toml-table.ts';
import { useApp } from '../../app.ts';
import type { RequestDraft } from '../../stores/preview-store.ts';
import { StatusWord } from '../../ui/status-icon.tsx';
import { BodyEditor } from './body-editor.tsx';
import {
  cellDefault,
  cellText,
  changeCount,
  headerPairs,
  optionDefault,
  optionText,
  ownParams,
  PAGINATION_FIELDS,
  type Pair,
  paginationOf,
  queryPairs,
  type RequestModel,
} from './request-model.ts';
import classes from './request-panel.module.css';

const SIGN_INS: Readonly<Record<(typeof AUTH_TYPES)[number], string>> = {
  none: 'No sign-in',
  api_key: 'API key',
  bearer: 'Bearer token',
  basic: 'User and password',
  oauth2: 'OAuth 2 client',
};

/** The request of a job as it can be changed here; nothing is in the job before it is applied. */
export function RequestPanel({
  model,
  cappedAt,
  onChange,
  onApply,
  onDiscard,
}: {
  model: RequestModel;
  /** Records to which the server cuts a page, where it does. */
  cappedAt: number | null;
  onChange(change: RequestDraft): void;
  onApply(): void;
  onDiscard(): void;
}) {
  const changes = changeCount(model.draft);
  const type = paginationOf(model);
  const cell = (column: string, value: string) => onChange({ cells: { [column]: value }, options: {} });
  const option = (key: string, value: unknown) => onChange({ cells: {}, options: { [key]: value } });
  return (
    <div className={classes['side']}>
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={`${classes['request']} scroll`} aria-label="Request" tabIndex={0}>
        <Address model={model} onCell={cell} onOption={option} />
        <Query model={model} onOption={option} />
        <Pairs title="Headers" rows={headerPairs(model)} />
        <SignIn model={model} onCell={cell} />
        <div className={classes['block']}>
          <h2>Pagination</h2>
          <div className={classes['fields']}>
            <Select
              label="Type"
              data={PAGINATION_TYPES.map((value) => ({ value, label: value }))}
              value={type}
              allowDeselect={false}
              data-changed={model.draft.cells['pagination_type'] !== undefined || undefined}
              onChange={(value) => value !== null && cell('pagination_type', value)}
            />
            {type === 'offset' || type === 'page_number' ? (
              <CellField model={model} column="page_size" label="Page size" onCell={cell}>
                {cappedAt === null ? undefined : (
                  <StatusWord status="warning" size={13}>{`Server sends ${cappedAt}`}</StatusWord>
                )}
              </CellField>
            ) : null}
            {PAGINATION_FIELDS[type].map(({ key, label, number, placeholder, unit }) => (
              <OptionField
                key={`${type} ${key}`}
                model={model}
                option={key}
                label={label}
                number={number === true}
                {...(placeholder === undefined ? {} : { placeholder })}
                {...(unit === undefined ? {} : { unit })}
                onOption={option}
              />
            ))}
          </div>
          {type === 'single_page' ? <p className="small dim">One request is all that a run sends.</p> : null}
        </div>
        <div className={classes['block']}>
          <h2>Records and limits</h2>
          <div className={classes['fields']}>
            <CellField
              model={model}
              column="data_selector"
              label="Data selector"
              placeholder="found by itself"
              onCell={cell}
              mono
            />
            <CellField model={model} column="primary_key" label="Primary key" placeholder="none" onCell={cell} mono />
            <CellField
              model={model}
              column="watermark_column"
              label="Incremental field"
              placeholder="none"
              onCell={cell}
              mono
            />
            <CellField
              model={model}
              column="last_watermark"
              label="First watermark"
              placeholder="read all"
              onCell={cell}
              mono
            />
          </div>
          <p className="small dim">{limitsText(model)}</p>
        </div>
      </section>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      {changes > 0 ? (
        <div className={classes['changes']} role="status">
          <span className="small grow">
            <strong className="medium">{changes === 1 ? '1 change' : `${changes} changes`}</strong> not in the job yet
          </span>
          <Button size="xs" variant="subtle" data-quiet onClick={onDiscard}>
            Discard
          </Button>
          <Button size="xs" variant="default" onClick={onApply}>
            Apply to job
          </Button>
        </div>
      ) : null}
    </div>
  );
}

interface FieldProps {
  model: RequestModel;
  onCell(column: string, value: string): void;
  onOption(key: string, value: unknown): void;
}

function Address({ model, onCell, onOption }: FieldProps) {
  const base = String(model.connection['base_url'] ?? model.connection['url'] ?? '');
  const method = optionText(model, 'method') || optionDefault(model, 'method') || 'GET';
  return (
    <div className={classes['block']}>
      <div className={classes['url']}>
        <Select
          aria-label="Method"
          data={['GET', 'POST']}
          value={method.toUpperCase()}
          allowDeselect={false}
          w={76}
          onChange={(value) => value !== null && onOption('method', value)}
        />
        <TextInput
          aria-label="Endpoint"
          className="grow"
          classNames={{ input: 'mono' }}
          placeholder={model.cells['table_name'] ?? ''}
          value={cellText(model, 'api_endpoint')}
          data-changed={model.draft.cells['api_endpoint'] !== undefined || undefined}
          onChange={({ currentTarget: { value } }) => onCell('api_endpoint', value)}
        />
      </div>
      <p className={`${classes['base']} small faint truncate`} title={base}>
        below <span className="mono">{base === '' ? 'an address that the connection does not have yet' : base}</span>
      </p>
      {method.toUpperCase() === 'POST' ? (
        <BodyEditor
          stored={Object.hasOwn(model.draft.options, 'body') ? model.draft.options['body'] : model.resource['body']}
          onBody={(body) => onOption('body', body)}
        />
      ) : null}
    </div>
  );
}

function Query({ model, onOption }: Pick<FieldProps, 'model' | 'onOption'>) {
  const [adding, setAdding] = useState<string | null>(null);
  const params = ownParams(model);
  const set = (name: string, value: unknown) => onOption('params', { ...params, [name]: value });
  function remove(name: string): void {
    const { [name]: _gone, ...rest } = params;
    onOption('params', Object.keys(rest).length === 0 && model.resource['params'] === undefined ? null : rest);
  }
  function add(): void {
    const name = adding?.trim() ?? '';
    if (name !== '' && !Object.hasOwn(params, name)) set(name, '');
    setAdding(null);
  }
  return (
    <Pairs
      title="Query"
      rows={queryPairs(model)}
      empty="No parameters"
      onValue={set}
      onRemove={remove}
      actions={
        <Button size="xs" variant="subtle" leftSection={<IconPlus size={12} />} onClick={() => setAdding('')}>
          Parameter
        </Button>
      }
    >
      {adding === null ? null : (
        <tr>
          <td colSpan={3}>
            <input
              className={`${classes['inline']} mono`}
              aria-label="Name of the new parameter"
              placeholder="name"
              // biome-ignore lint/a11y/noAutofocus: the field came because it was asked for
              autoFocus
              value={adding}
              onChange={({ currentTarget: { value } }) => setAdding(value)}
              onBlur={add}
              onKeyDown={({ key }) => {
                if (key === 'Enter') add();
                if (key === 'Escape') setAdding(null);
              }}
            />
          </td>
        </tr>
      )}
    </Pairs>
  );
}

function Pairs({
  title,
  rows,
  empty,
  actions,
  children,
  onValue,
  onRemove,
}: {
  title: string;
  rows: readonly Pair[];
  empty?: string;
  actions?: React.ReactNode;
  children?: React.ReactNode;
  onValue?(name: string, value: string): void;
  onRemove?(name: string): void;
}) {
  return (
    <div className={classes['block']}>
      <div className="row">
        <h2 className="grow">{title}</h2>
        {actions}
      </div>
      <table className={classes['pairs']}>
        <colgroup>
          <col style={{ width: '35%' }} />
          <col />
          <col style={{ width: '25%' }} />
        </colgroup>
        <thead className="sr">
          <tr>
            <th>Name</th>
            <th>Value</th>
            <th>From</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, value, from, own, computed }) => (
            <tr key={`${from} ${name}`}>
              <td className="mono" title={name}>
                {name}
              </td>
              <td className={computed === true ? 'faint' : 'mono'} title={value}>
                {own === true && onValue !== undefined ? (
                  <input
                    className={`${classes['inline']} mono`}
                    aria-label={`Value of ${name}`}
                    value={value}
                    onChange={(event) => onValue(name, event.currentTarget.value)}
                  />
                ) : (
                  value
                )}
              </td>
              <td className={classes['from']}>
                {own === true && onRemove !== undefined ? (
                  <button
                    type="button"
                    className={classes['remove']}
                    aria-label={`Remove ${name}`}
                    onClick={() => onRemove(name)}
                  >
                    <IconX size={12} />
                  </button>
                ) : null}
                {from}
              </td>
            </tr>
          ))}
          {rows.length === 0 && children === null ? (
            <tr>
              <td colSpan={3} className="faint">
                {empty}
              </td>
            </tr>
          ) : null}
          {children}
        </tbody>
      </table>
    </div>
  );
}

function SignIn({ model, onCell }: Pick<FieldProps, 'model' | 'onCell'>) {
  const { window } = useApp();
  const text = cellText(model, 'auth_type') || cellDefault(model, 'auth_type') || 'none';
  const type = (AUTH_TYPES as readonly string[]).includes(text) ? (text as keyof typeof SIGN_INS) : 'none';
  return (
    <div className={classes['block']}>
      <h2>Sign-in</h2>
      <div className={classes['secret']}>
        <IconKey size={14} aria-hidden />
        <Select
          aria-label="Sign-in"
          variant="unstyled"
          size="xs"
          data={AUTH_TYPES.map((value) => ({ value, label: SIGN_INS[value] }))}
          value={type}
          allowDeselect={false}
          onChange={(value) => value !== null && onCell('auth_type', value)}
          className="grow"
        />
        <Button
          size="xs"
          variant="subtle"
          rightSection={<IconArrowRight size={12} />}
          onClick={() => window.go('connections', model.connectionName)}
        >
          Connection
        </Button>
      </div>
    </div>
  );
}

function CellField({
  model,
  column,
  label,
  placeholder,
  mono = false,
  children,
  onCell,
}: {
  model: RequestModel;
  column: 'page_size' | 'data_selector' | 'primary_key' | 'watermark_column' | 'last_watermark';
  label: string;
  placeholder?: string;
  mono?: boolean;
  children?: React.ReactNode;
  onCell(column: string, value: string): void;
}) {
  return (
    <TextInput
      label={label}
      placeholder={cellDefault(model, column) || placeholder}
      value={cellText(model, column)}
      data-changed={model.draft.cells[column] !== undefined || undefined}
      classNames={mono ? { input: 'mono' } : {}}
      description={children}
      onChange={({ currentTarget: { value } }) => onCell(column, value)}
    />
  );
}

function OptionField({
  model,
  option,
  label,
  number,
  placeholder,
  unit,
  onOption,
}: {
  model: RequestModel;
  option: string;
  label: string;
  number: boolean;
  placeholder?: string;
  unit?: string;
  onOption(key: string, value: unknown): void;
}) {
  function take(text: string): void {
    if (text.trim() === '') onOption(option, null);
    else onOption(option, number && /^\d+$/.test(text.trim()) ? Number(text) : text);
  }
  return (
    <TextInput
      label={label}
      placeholder={optionDefault(model, option) || placeholder}
      value={optionText(model, option)}
      data-changed={Object.hasOwn(model.draft.options, option) || undefined}
      classNames={{ input: 'mono' }}
      {...(unit === undefined
        ? {}
        : { rightSection: <span className="faint small">{unit}</span>, rightSectionWidth: 48 })}
      onChange={({ currentTarget: { value } }) => take(value)}
    />
  );
}

function limitsText({ connection }: RequestModel): string {
  const rate = connection['rate_limit'];
  const timeout = String(connection['timeout'] ?? 30);
  const limit = isTable(rate)
    ? `${String(rate['requests_per_second'] ?? 10)} requests a second`
    : typeof rate === 'number'
      ? `${rate} requests a minute`
      : 'no rate limit';
  return `Of the connection: ${limit}, ${timeout} s to answer`;
}
