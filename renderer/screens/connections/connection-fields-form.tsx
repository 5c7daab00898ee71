import { Tabs, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { ProjectDocument } from '../../../engine/contract.ts';
import type { ConnectionField, ConnectionKind } from '../../../engine/spec/connection-fields.ts';
import type { ConnectionDraft } from '../../stores/connection-store.ts';
import { CodeView } from '../../ui/code-view.tsx';
import { StatusIcon } from '../../ui/status-icon.tsx';
import {
  type FieldProblem,
  fieldValue,
  isSecretEntry,
  originOf,
  placeText,
  type ShownWay,
  secretState,
  shownFields,
  shownWays,
  tomlPreview,
  withField,
  withWay,
} from './connection-form.ts';
import { bucketDestinations, type ListedConnection } from './connection-list.ts';
import classes from './connections-screen.module.css';
import { ChoiceControl, FieldControl } from './field-control.tsx';
import { MapField } from './map-field.tsx';
import { SecretField } from './secret-field.tsx';

export interface ConnectionFormProps {
  draft: ConnectionDraft;
  kind: ConnectionKind;
  listed: ListedConnection | null;
  document: ProjectDocument;
  problems: ReadonlyMap<string, FieldProblem>;
  nameProblem: FieldProblem | null;
  /** Key of the field that the last test blames, with its words. */
  blamed: { key: string; words: string } | null;
  /** Another number: controls forget what was being typed. */
  generation: number;
  onChange(draft: ConnectionDraft): void;
}

const NAME = 'name';

/** The form of one connection: a tab for each matter, problems on the tabs and in place. */
export function ConnectionForm(props: ConnectionFormProps) {
  const { draft, kind, listed, document, problems, nameProblem } = props;
  const fields = shownFields(draft, kind);
  const ways = shownWays(draft, kind);
  const [wanted, setTab] = useState<string | null>(null);
  const tabs = kind.tabs.filter((tab) => [...fields, ...ways.map(({ way }) => way)].some((shown) => shown.tab === tab));
  const tab = wanted !== null && tabs.includes(wanted) ? wanted : (tabs[0] as string);
  const isTold = (key: string) => draft.previousName !== null || draft.touched.includes(key);
  const problemOf = (key: string): FieldProblem | null => {
    const problem = key === NAME ? nameProblem : (problems.get(key) ?? null);
    return problem !== null && (problem.severity === 'warning' || isTold(key)) ? problem : null;
  };
  const markOf = (of: string) => {
    const keys = [
      ...(of === tabs[0] ? [NAME] : []),
      ...fields.filter((field) => field.tab === of).map(({ key }) => key),
    ];
    const found = keys.map(problemOf).filter((problem) => problem !== null);
    if (found.some(({ severity }) => severity === 'error') || keys.some((key) => key === props.blamed?.key))
      return 'error';
    return found.length > 0 ? 'warning' : null;
  };
  return (
    <Tabs value={tab} onChange={setTab} keepMounted={false} className={classes.tabs ?? ''}>
      <Tabs.List>
        {tabs.map((name) => {
          const mark = markOf(name);
          return (
            <Tabs.Tab
              key={name}
              value={name}
              rightSection={
                mark === null ? undefined : (
                  <StatusIcon status={mark} size={13} label={mark === 'error' ? 'has an error' : 'has a warning'} />
                )
              }
            >
              {name}
            </Tabs.Tab>
          );
        })}
      </Tabs.List>
      {tabs.map((name) => (
        <Tabs.Panel key={name} value={name} className={classes.panel ?? ''}>
          <Groups
            {...props}
            fields={fields.filter((field) => field.tab === name)}
            ways={ways.filter(({ way }) => way.tab === name)}
            problemOf={problemOf}
            first={name === tabs[0] ? <NameField {...props} problem={problemOf(NAME)} /> : null}
          />
        </Tabs.Panel>
      ))}
      <div className={classes.written}>
        <h2>Written to .dlt/{document.env === null ? 'config.toml' : `config.${document.env}.toml`}</h2>
        <CodeView
          text={tomlPreview(draft, listed, document.origins)}
          language="toml"
          label="what is written to config.toml"
        />
      </div>
    </Tabs>
  );
}

function NameField({ draft, problem, onChange }: ConnectionFormProps & { problem: FieldProblem | null }) {
  const source = draft.section === 'sources';
  const help = source ? 'Jobs name it in source_name' : 'Runs name it as their destination';
  return (
    <TextInput
      label="Name"
      required
      spellCheck={false}
      value={draft.name}
      error={problem?.severity === 'error' ? problem.text : null}
      description={problem?.severity === 'warning' ? problem.text : help}
      onChange={({ currentTarget }) => onChange({ ...draft, name: currentTarget.value })}
      onBlur={() => onChange(touch(draft, NAME))}
    />
  );
}

function touch(draft: ConnectionDraft, key: string): ConnectionDraft {
  return draft.touched.includes(key) ? draft : { ...draft, touched: [...draft.touched, key] };
}

function Groups(
  props: ConnectionFormProps & {
    fields: readonly ConnectionField[];
    ways: readonly ShownWay[];
    problemOf(key: string): FieldProblem | null;
    /** Stands before the first field. */
    first: ReactNode;
  },
) {
  const groups = [...new Set([...props.fields, ...props.ways.map(({ way }) => way)].map(({ group }) => group))];
  groups.sort((one, other) => Number(one !== null) - Number(other !== null));
  return groups.map((group, index) => (
    <div key={group ?? ''} className={classes.group}>
      {group === null ? null : <h2 className={classes.section}>{group}</h2>}
      <div className={classes.grid}>
        {index === 0 ? props.first : null}
        {props.ways
          .filter(({ way }) => way.group === group)
          .map(({ way, value }) => (
            <ChoiceControl
              key={way.key}
              label={way.label}
              options={way.options}
              value={value}
              description={way.options.find((option) => option.value === value)?.help}
              onChange={(next) => props.onChange(withWay(props.draft, props.kind, way, next))}
            />
          ))}
        {props.fields
          .filter((field) => field.group === group)
          .map((field) => (
            <Field
              key={`${field.key} ${props.generation}`}
              {...props}
              field={field}
              problem={props.problemOf(field.key)}
            />
          ))}
      </div>
    </div>
  ));
}

function Field({
  field,
  problem,
  draft,
  listed,
  document,
  blamed,
  onChange,
}: ConnectionFormProps & { field: ConnectionField; problem: FieldProblem | null }) {
  const error = problem?.severity === 'error' ? problem.text : blamed?.key === field.key ? blamed.words : null;
  const blur = () => onChange(touch(draft, field.key));
  if (field.control === 'map') {
    const prefix = `${field.key}.`;
    const own = Object.entries(draft.secrets).filter(([key]) => key.startsWith(prefix));
    return (
      <MapField
        label={field.label}
        help={field.help}
        value={fieldValue(draft, field)}
        secrets={Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]))}
        problem={error}
        isSecret={(name) => isSecretEntry(field, name)}
        onChange={(value, secrets) => {
          const others = Object.entries(draft.secrets).filter(([key]) => !key.startsWith(prefix));
          const changed = Object.entries(secrets).map(([name, text]) => [prefix + name, text] as const);
          const next = { ...draft, secrets: Object.fromEntries([...others, ...changed]) };
          onChange(withField(next, field, value));
        }}
      />
    );
  }
  if (field.control === 'secret') {
    return (
      <SecretField
        label={field.label}
        help={field.help}
        required={false}
        state={secretState(draft, field, listed, document.origins)}
        entered={draft.secrets[field.key] || undefined}
        problem={error}
        onChange={(value) => {
          const { [field.key]: _before, ...others } = draft.secrets;
          onChange({ ...draft, secrets: value === undefined ? others : { ...others, [field.key]: value } });
        }}
        onBlur={blur}
      />
    );
  }
  const origin = listed === null ? null : originOf(field.spellings, listed, document.origins);
  const elsewhere = origin !== null && !origin.origin.startsWith('.dlt/config') ? placeText(origin) : null;
  return (
    <FieldControl
      field={field}
      value={fieldValue(draft, field)}
      problem={error}
      warning={problem?.severity === 'warning' ? problem.text : null}
      origin={elsewhere}
      offered={field.offers === null ? [] : bucketDestinations(document)}
      onChange={(value) => onChange(withField(draft, field, value))}
      onBlur={blur}
    />
  );
}
