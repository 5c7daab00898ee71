import { Autocomplete, Input, SegmentedControl, Select, TagsInput, Textarea, TextInput } from '@mantine/core';
import { Fragment } from 'react';
import { type JobColumnName, jobColumn } from '../../../engine/spec/job-columns.ts';
import { applyFix, fixLabel } from '../../actions/issues.ts';
import { useApp } from '../../app.ts';
import { listValues } from '../../grid/options.ts';
import { problemOf } from '../../shell/issues-panel.tsx';
import { cellApplies, effectiveText, findingAt } from '../../stores/job-cells.ts';
import classes from './job-drawer.module.css';
import { LISTED, SUGGESTED, suggestions } from './job-grid-columns.tsx';

const SHEET = 'SourceConfig';

/** The columns of a job as people fill them in. */
const SECTIONS: readonly { title: string; names: readonly JobColumnName[] }[] = [
  { title: 'Source', names: ['source_type', 'source_name', 'table_name', 'schema_name', 'source_object'] },
  {
    title: 'Load',
    names: ['load_type', 'enabled', 'watermark_column', 'incremental_mode', 'last_watermark', 'lag', 'chunk_size'],
  },
  { title: 'API', names: ['api_endpoint', 'pagination_type', 'page_size', 'data_selector', 'auth_type'] },
  { title: 'Files', names: ['file_glob', 'file_format'] },
  { title: 'Rows and columns', names: ['filter', 'columns', 'column_types'] },
  {
    title: 'Target',
    names: [
      'target_table',
      'target_schema',
      'primary_key',
      'write_disposition',
      'schema_contract',
      'tags',
      'description',
    ],
  },
];

/** Written in code: the whole width and the code's letters. */
const CODE = new Set<JobColumnName>(['filter', 'data_selector', 'column_types', 'api_endpoint', 'file_glob']);
const WIDE = new Set<JobColumnName>(['filter', 'columns', 'column_types', 'description']);

/** The columns of a job that apply to it, group by group; those that do not are left out unless something stands in them. */
export function JobForm({ rowId }: { rowId: string }) {
  const { project } = useApp();
  const shown = (name: JobColumnName) =>
    cellApplies(project, rowId, name) ||
    project.cell(SHEET, rowId, name) !== '' ||
    findingAt(project, rowId, name) !== null;
  return SECTIONS.map(({ title, names }) => {
    const fields = names.filter(shown);
    return fields.length === 0 ? null : (
      <Fragment key={title}>
        <h3 className={classes['section']}>{title}</h3>
        <div className={classes['fields']}>
          {fields.map((name) => (
            <Field key={name} rowId={rowId} name={name} />
          ))}
        </div>
      </Fragment>
    );
  });
}

function Field({ rowId, name }: { rowId: string; name: JobColumnName }) {
  const app = useApp();
  const { project } = app;
  const column = jobColumn(name);
  const value = project.cell(SHEET, rowId, name);
  const finding = findingAt(project, rowId, name);
  const fix = finding === null ? null : fixLabel(app, finding);
  const effective = effectiveText(project, rowId, name);
  const write = (text: string) => project.setCell(SHEET, rowId, name, text, { mergeKey: `${rowId} ${name}` });
  const common = {
    label: (
      <>
        {column.label} <span className={classes['column']}>{name}</span>
      </>
    ),
    description: column.help,
    error:
      finding === null ? null : (
        <span data-severity={finding.severity} className={classes['problem']}>
          {problemOf(finding)}
          {finding.hint === null || (fix !== null && finding.hint.startsWith('Did you mean'))
            ? ''
            : `. ${finding.hint}`}{' '}
          {fix === null ? null : (
            <button type="button" className={classes['fix']} onClick={() => applyFix(app, finding)}>
              {fix}
            </button>
          )}
        </span>
      ),
    placeholder: value === '' ? effective || (column.required ? 'required' : `e.g. ${column.example}`) : undefined,
    classNames: {
      input: `${CODE.has(name) ? 'mono' : ''} ${value === '' && effective !== '' ? classes['ghost'] : ''}`,
    },
    className: WIDE.has(name) ? classes['wide'] : undefined,
    onBlur: () => project.endMerge(),
  };

  if (column.kind === 'flag' || (column.kind === 'enum' && (column.values?.length ?? 0) <= 2)) {
    const values = column.values ?? [];
    const known = values.find((candidate) => candidate.toLowerCase() === value.trim().toLowerCase());
    return (
      <Input.Wrapper label={common.label} labelElement="div" description={common.description} error={common.error}>
        <SegmentedControl
          fullWidth
          aria-label={column.label}
          data={values.map((item) => ({
            value: item,
            label: column.kind === 'flag' ? (item === 'Y' ? 'On' : 'Off') : item,
          }))}
          value={known ?? effective}
          onChange={(text) => {
            write(text);
            project.endMerge();
          }}
        />
      </Input.Wrapper>
    );
  }
  if (column.kind === 'enum') {
    const known = (column.values ?? []).includes(value) || value === '';
    // A value that is wrong stays what it is, and is offered as it is.
    const data = known ? [...(column.values ?? [])] : [value, ...(column.values ?? [])];
    return (
      <Select
        {...common}
        data={data}
        value={value === '' ? null : value}
        clearable={!column.required}
        clearButtonProps={{ 'aria-label': `Clear ${column.label}` }}
        onChange={(text) => {
          write(text ?? '');
          project.endMerge();
        }}
      />
    );
  }
  if (LISTED.has(name)) {
    const options = suggestions(app, rowId, name);
    // Without anything to choose from, the text as it stands says more.
    if (options.length > 0) {
      return (
        <TagsInput
          {...common}
          placeholder={value === '' ? common.placeholder : undefined}
          data={options.map((option) => option.value)}
          limit={200}
          splitChars={[',']}
          acceptValueOnBlur
          clearable
          clearButtonProps={{ 'aria-label': `Clear ${column.label}` }}
          value={listValues(value)}
          onChange={(values) => write(values.join(', '))}
        />
      );
    }
  }
  if (SUGGESTED.has(name)) {
    const data = [...new Set(suggestions(app, rowId, name).map((option) => option.value))];
    return <Autocomplete {...common} data={data} limit={200} value={value} onChange={write} />;
  }
  if (name === 'filter' || value.length > 80 || value.includes('\n')) {
    return (
      <Textarea
        {...common}
        autosize
        minRows={1}
        maxRows={8}
        value={value.length > LONGEST_AUTOSIZED ? value.slice(0, LONGEST_AUTOSIZED) : value}
        readOnly={value.length > LONGEST_AUTOSIZED}
        onChange={(event) => write(event.currentTarget.value)}
      />
    );
  }
  return <TextInput {...common} value={value} onChange={(event) => write(event.currentTarget.value)} />;
}

/** Beyond this a field would measure itself for seconds: the grid's own editor takes any length. */
const LONGEST_AUTOSIZED = 40_000;
