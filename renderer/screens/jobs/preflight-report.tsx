import { Button } from '@mantine/core';
import { useApp } from '../../app.ts';
import { sourceTypeOfRow } from '../../stores/job-cells.ts';
import { CodeView } from '../../ui/code-view.tsx';
import { momentText, plural } from '../../ui/number-text.ts';
import { type Status, StatusIcon, StatusWord } from '../../ui/status-icon.tsx';
import classes from './preflight-dialog.module.css';
import { applySuggestions, type CellSuggestion, type JobPreflight, suggestionsOf } from './suggestions.ts';

type ColumnReport = JobPreflight['columns'][number];

const SEVERITIES: Readonly<Record<JobPreflight['findings'][number]['severity'], Status>> = {
  error: 'error',
  warning: 'warning',
  info: 'info',
};

const COLUMN_VERDICTS: Readonly<Record<ColumnReport['verdict'], { status: Status; word: string }>> = {
  fits: { status: 'ok', word: 'Fits' },
  new: { status: 'info', word: 'New' },
  added: { status: 'info', word: 'Added' },
  widens: { status: 'info', word: 'Widened' },
  replaced: { status: 'warning', word: 'Replaced' },
  depends: { status: 'warning', word: 'Depends on values' },
  discarded: { status: 'warning', word: 'Left out' },
  gone: { status: 'warning', word: 'Gone' },
  fails: { status: 'error', word: 'Conflict' },
};

const ORIGINS: Readonly<Record<NonNullable<JobPreflight['next_read']['watermark']>['origin'], string>> = {
  state: 'the last load',
  package: 'a package that is loaded first',
  last_watermark: 'last_watermark',
};

export interface PreflightReportProps {
  rowId: string;
  report: JobPreflight;
  /** A suggestion was taken over: the row is another now. */
  onApplied(): void;
}

/** One job: what stands in its way, what it will read, and how its columns land. */
export function PreflightReport({ rowId, report, onApplied }: PreflightReportProps) {
  const app = useApp();
  const { project } = app;
  const suggestions = suggestionsOf(report);
  const type = sourceTypeOfRow(project, rowId);
  const language = type === 'api' || type === 'filesystem' ? 'text' : 'sql';
  const take = (chosen: readonly CellSuggestion[]) => {
    applySuggestions(app, rowId, chosen);
    onApplied();
  };
  return (
    <>
      {report.findings.length === 0 ? null : (
        <ul className={classes['findings']} aria-label="Findings">
          {report.findings.map(({ severity, code, message, hint, suggestion }) => (
            <li key={`${code} ${message}`} className={classes['finding']}>
              <StatusIcon status={SEVERITIES[severity]} />
              <div className="grow">
                <p>{message}</p>
                {hint === null ? null : <p className="dim">{hint}</p>}
              </div>
              {suggestion === null ? null : <Take suggestion={suggestion} onTake={() => take([suggestion])} />}
            </li>
          ))}
        </ul>
      )}
      <h3>Next run will read</h3>
      <p className="small dim">{nextRead(report)}</p>
      {report.next_read.statement === null ? null : (
        <CodeView
          text={report.next_read.statement}
          language={language}
          label="what the next run reads"
          wrap
          className={classes['statement']}
        />
      )}
      <Columns report={report} take={take} />
      {suggestions.length < 2 ? null : (
        <div className={classes['actions']}>
          <Button variant="default" size="xs" onClick={() => take(suggestions)}>
            Take over all {suggestions.length} suggestions
          </Button>
        </div>
      )}
    </>
  );
}

function Take({ suggestion, onTake }: { suggestion: CellSuggestion; onTake(): void }) {
  const text = suggestion.cell === 'lag' ? `Set lag to ${suggestion.entry}` : `Keep ${suggestion.entry}`;
  return (
    <Button variant="default" size="xs" className={classes['take']} onClick={onTake}>
      {text}
    </Button>
  );
}

function Columns({ report, take }: { report: JobPreflight; take(suggestions: readonly CellSuggestion[]): void }) {
  const { columns, target } = report;
  if (columns.length === 0) return null;
  const table = target.split('.').at(-1);
  const notable = columns.filter(({ verdict }) => verdict !== 'fits' && verdict !== 'new');
  const quiet = columns.length - notable.length;
  const fits = columns.every(({ verdict }) => verdict === 'new')
    ? `${plural(quiet, 'column')} will be made in a new table.`
    : notable.length === 0
      ? `All ${plural(quiet, 'column')} fit the live table.`
      : `${plural(quiet, 'other column')} ${quiet === 1 ? 'fits' : 'fit'}.`;
  return (
    <>
      <h3>Columns</h3>
      {notable.length === 0 ? null : (
        <table className={classes['columns']}>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Source</th>
              <th scope="col">{target}</th>
              <th scope="col">What happens</th>
            </tr>
          </thead>
          <tbody>
            {notable.map((column) => {
              const { verdict, suggestion } = column;
              const { status, word } = COLUMN_VERDICTS[verdict];
              return (
                <tr key={`${column.table}.${column.column}`}>
                  <th scope="row">
                    {column.table === table ? '' : `${column.table}.`}
                    {column.column}
                  </th>
                  <td className={classes['type']}>{column.incoming}</td>
                  <td className={classes['type']}>{column.live ?? ''}</td>
                  <td>
                    <StatusWord status={status}>{word}</StatusWord>
                    <p>{column.message}</p>
                    {column.hint === null ? null : <p className="dim">{column.hint}</p>}
                    {suggestion === null || verdict !== 'fails' ? null : (
                      <Take suggestion={suggestion} onTake={() => take([suggestion])} />
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {quiet === 0 ? null : <p className="small dim">{fits}</p>}
    </>
  );
}

function nextRead({ next_read: read }: JobPreflight): string {
  const how = `written by ${read.write_disposition}`;
  if (read.load_type === 'FULL') return `Everything, ${how}.`;
  if (read.watermark === null) return `Everything, for the first time, ${how}.`;
  const { value, origin, since } = read.watermark;
  const when = since === null ? '' : ` of ${momentText(since)}`;
  const behind = read.lag === null ? '' : `, and ${read.lag} behind it once more`;
  return `${read.watermark_column ?? 'Files'} from ${value} (${ORIGINS[origin]}${when})${behind}, ${how}.`;
}
