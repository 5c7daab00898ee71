import type { CheckHistory } from '../../stores/checks-view-store.ts';
import { Bars } from '../../ui/charts.tsx';
import { momentText, plural } from '../../ui/number-text.ts';
import { Panel } from '../../ui/panel.tsx';
import { type Status, StatusWord } from '../../ui/status-icon.tsx';
import classes from './quality-screen.module.css';

/** Results in the plot; older ones are in the reports. */
const PLOTTED = 40;

type Point = CheckHistory['points'][number];

/** What a check found, last and over time. */
export function CheckResults({ name, history }: { name: string | null; history: CheckHistory | null }) {
  return (
    <Panel
      title={name ?? 'Results'}
      count={history === null ? undefined : plural(history.points.length, 'result')}
      className={classes['panel']}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className={`${classes['results']} scroll`} tabIndex={0} aria-label="Results of the check">
        {name === null ? (
          <p className="faint">Select a check to see what it found.</p>
        ) : history === null ? (
          <p className="faint">
            This check never ran. Checks run after each load, and when you press “Run all checks”.
          </p>
        ) : (
          <Filled history={history} />
        )}
      </section>
    </Panel>
  );
}

function Filled({ history }: { history: CheckHistory }) {
  const points = history.points.slice(-PLOTTED);
  const last = points.at(-1);
  if (last === undefined) return null;
  const { result } = last;
  return (
    <>
      <p className={classes['last']}>
        <StatusWord status={statusOf(last)}>{wordOf(last)}</StatusWord>
        <span className="faint small num">
          {momentText(last.at)}, {last.origin === 'run' ? 'after a load' : 'on demand'}, in {last.destination}
        </span>
      </p>
      <p className={classes['message']}>{result.message}</p>
      <Bars
        title={`${valueName(result.check_type)} in ${history.table}`}
        bars={points.map((point) => ({
          key: `${point.run_id}`,
          value: barOf(point),
          label: `${momentText(point.at)}, ${wordOf(point).toLowerCase()}: ${point.result.message}`,
          tone: point.result.status === 'passed' ? 'ok' : point.result.status === 'failed' ? 'err' : 'idle',
        }))}
        text={(value) => value.toLocaleString('en-US', { maximumFractionDigits: 4 })}
      />
    </>
  );
}

function statusOf({ result }: Point): Status {
  if (result.status === 'passed') return 'ok';
  if (result.status === 'skipped') return 'skipped';
  return result.severity === 'warning' ? 'warning' : 'error';
}

function wordOf({ result }: Point): string {
  if (result.status === 'passed') return 'Passed';
  if (result.status === 'skipped') return 'Skipped';
  return `Failed (${result.severity})`;
}

/** What a bar's height is. */
function valueName(type: string): string {
  switch (type) {
    case 'row_count':
    case 'reconcile':
      return 'Rows';
    case 'null_rate':
      return 'Share of nulls';
    case 'uniqueness':
      return 'Keys there more than once';
    case 'freshness':
      return 'Age in hours';
    default:
      return 'Value';
  }
}

/** A value that is no number, and one that could not be found, has a bar of no height. */
function barOf({ result }: Point): number {
  const value = Number(result.actual_value ?? 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}
