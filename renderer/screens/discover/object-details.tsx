import { MultiSelect, SegmentedControl, Select } from '@mantine/core';
import { IconKey, IconTimeline } from '@tabler/icons-react';
import type { DiscoveredObject } from '../../stores/connection-store.ts';
import { bytesText } from '../../ui/number-text.ts';
import classes from './discover-screen.module.css';
import type { Choice, Proposal } from './job-proposal.ts';
import { countText } from './object-tree.ts';

export interface ObjectDetailsProps {
  object: DiscoveredObject | null;
  proposal: Proposal | null;
  reading: boolean;
  /** What the connection is made of. */
  subject: 'table' | 'group of files' | 'resource';
  onChoice(choice: Choice): void;
}

/** What is known of one object, and how it would be loaded. */
export function ObjectDetails({ object, proposal, reading, subject, onChoice }: ObjectDetailsProps) {
  if (object === null || proposal === null) {
    return (
      <aside className={classes.details} aria-label="Details">
        <p className={classes.hint}>Choose a {subject} to see its columns, its keys, and how it would be loaded.</p>
      </aside>
    );
  }
  const files = object.kind === 'file_group';
  const known = [
    object.rowEstimate === null
      ? null
      : `about ${countText(object.rowEstimate)} ${object.rowEstimate === 1 ? 'row' : 'rows'}`,
    object.bytes === null ? null : bytesText(object.bytes),
    object.comment,
  ].filter((text) => text !== null);
  const names = object.columns.map(({ name }) => name);
  const suggested = new Map(object.watermarkSuggestions.map(({ column, reason }) => [column, reason]));
  const choices = files
    ? [...suggested.keys()]
    : [...suggested.keys(), ...names.filter((name) => !suggested.has(name))];
  return (
    <aside className={`${classes.details} scroll`} aria-label={`Details of ${object.name}`}>
      <header className={classes.detailsHead}>
        <h2 className="truncate" title={object.name}>
          {object.schema === null ? '' : `${object.schema}.`}
          {object.name}
        </h2>
        <p className="small dim">{known.join(' · ')}</p>
      </header>
      <section className={classes.block} aria-label="How it would be loaded">
        <h3>Load</h3>
        <SegmentedControl
          fullWidth
          aria-label="Load type"
          data={[
            { value: 'FULL', label: 'FULL' },
            { value: 'INCREMENTAL', label: 'INCREMENTAL', disabled: choices.length === 0 },
          ]}
          value={proposal.load_type}
          onChange={(value) => onChoice({ load_type: value as Proposal['load_type'] })}
        />
        <p className="small dim">{proposal.reason}.</p>
        {proposal.load_type === 'INCREMENTAL' ? (
          <Select
            label={files ? 'New files by' : 'Watermark column'}
            data={choices}
            value={proposal.watermark || null}
            searchable={!files}
            allowDeselect={false}
            placeholder="Choose one"
            description={suggested.get(proposal.watermark) ?? 'Must grow with every change of a row'}
            onChange={(value) => onChoice({ watermark: value ?? '' })}
          />
        ) : null}
        {names.length > 0 ? (
          <MultiSelect
            label="Primary key"
            size="sm"
            data={names}
            value={[...proposal.primary_key]}
            searchable
            placeholder={proposal.primary_key.length === 0 ? 'None' : ''}
            description={
              object.primaryKey.length > 0
                ? 'As the database declares it'
                : 'None is declared. Columns that together name one row'
            }
            onChange={(value) => onChoice({ primary_key: value })}
          />
        ) : null}
      </section>
      {object.watermarkSuggestions.length > 0 ? (
        <section className={classes.block} aria-label="Suggestions">
          <h3>{files ? 'Tells new files' : 'Would serve as watermark'}</h3>
          <ul className={classes.suggestions}>
            {object.watermarkSuggestions.map(({ column, reason }) => (
              <li key={column}>
                <span className="mono">{column}</span>
                <span className="small dim">{reason}</span>
              </li>
            ))}
          </ul>
        </section>
      ) : null}
      <section className={classes.block} aria-label="Columns">
        <h3>
          Columns <span className="faint num">{names.length === 0 ? '' : names.length}</span>
        </h3>
        {names.length === 0 ? (
          <p className="small dim">{reading ? 'Being read …' : 'None are known.'}</p>
        ) : (
          <table className={classes.columnsTable}>
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Type</th>
                <th scope="col">Null</th>
              </tr>
            </thead>
            <tbody>
              {object.columns.map((column) => (
                <tr key={column.name}>
                  <td title={column.comment ?? column.name}>
                    <span className="mono">{column.name}</span>
                    {object.primaryKey.includes(column.name) ? (
                      <IconKey size={12} role="img" aria-label="primary key" className={classes.sign} />
                    ) : null}
                    {suggested.has(column.name) ? (
                      <IconTimeline size={12} role="img" aria-label="suggested watermark" className={classes.sign} />
                    ) : null}
                  </td>
                  <td className="mono dim" title={column.sourceType}>
                    {column.sourceType}
                  </td>
                  <td className="dim">{column.nullable ? 'yes' : 'no'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </section>
    </aside>
  );
}
