import classes from './charts.module.css';

export interface SparklineProps {
  values: readonly number[];
  width?: number;
  height?: number;
  tone?: 'accent' | 'idle' | 'err';
  label: string;
}

/** A line without axes: shape only. The figure itself always stands beside it as text. */
export function Sparkline({ values, width = 76, height = 18, tone = 'accent', label }: SparklineProps) {
  if (values.length < 2) return <svg width={width} height={height} aria-hidden />;
  const max = Math.max(...values, 1);
  const step = (width - 3) / (values.length - 1);
  const x = (at: number) => (1 + at * step).toFixed(1);
  const y = (value: number) => (height - 2 - (value / max) * (height - 4)).toFixed(1);
  const line = values.map((value, at) => `${x(at)},${y(value)}`).join(' ');
  const last = values.length - 1;
  return (
    <svg width={width} height={height} className={classes['spark']} data-tone={tone} role="img" aria-label={label}>
      <polygon points={`1,${height - 1} ${line} ${x(last)},${height - 1}`} className={classes['area']} />
      <polyline points={line} className={classes['line']} />
      <circle cx={x(last)} cy={y(values[last] ?? 0)} r={1.75} className={classes['dot']} />
    </svg>
  );
}

/** A column's distribution in its header; each bar says what it stands for. */
export function Histogram({ bars, label }: { bars: readonly { label: string; count: number }[]; label: string }) {
  const [width, height] = [96, 20];
  const max = Math.max(...bars.map(({ count }) => count), 1);
  const step = width / Math.max(bars.length, 1);
  return (
    <svg
      width="100%"
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      className={classes['histogram']}
      role="img"
      aria-label={label}
    >
      {bars.map(({ label: name, count }, at) => {
        const tall = count === 0 ? 0 : Math.max(1.5, (count / max) * (height - 1));
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: bars have no identity but their place
          <g key={at}>
            <title>{`${name}: ${count.toLocaleString('en-US')}`}</title>
            <rect className={classes['reach']} x={at * step} width={step} y={0} height={height} />
            <rect
              className={classes['bar']}
              x={at * step + 0.5}
              width={Math.max(step - 1, 0.5)}
              y={height - tall}
              height={tall}
            />
          </g>
        );
      })}
      <line x1={0} x2={width} y1={height - 0.25} y2={height - 0.25} className={classes['base']} />
    </svg>
  );
}

export interface BarsProps {
  title: string;
  /** Oldest first. */
  bars: readonly { key: string; value: number; label: string; tone: 'ok' | 'err' | 'idle' | 'info' }[];
  text(value: number): string;
  onPick?(key: string): void;
}

/** One bar an event over time, with its scale; screen readers get a table. */
export function Bars({ title, bars, text, onPick }: BarsProps) {
  const [width, height] = [600, 72];
  const max = niceTop(Math.max(...bars.map(({ value }) => value), 0));
  const step = Math.min(width / Math.max(bars.length, 1), 24);
  return (
    <figure className={classes['figure']}>
      <figcaption className={classes['caption']}>
        <span className="medium">{title}</span>
        <span className="faint num">to {text(max)}</span>
      </figcaption>
      <svg
        width="100%"
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        className={classes['bars']}
        aria-hidden
      >
        {[0, 0.5, 1].map((part) => (
          <line key={part} x1={0} x2={width} y1={(height - 1) * part + 0.5} y2={(height - 1) * part + 0.5} />
        ))}
        {bars.map(({ key, value, label, tone }, at) => {
          const tall = value === 0 ? 1 : Math.max(2, (value / max) * (height - 2));
          const x = at * step;
          return (
            // biome-ignore lint/a11y: the table below says and does the same by keyboard
            <g key={key} data-tone={tone} data-pick={onPick !== undefined || undefined} onClick={() => onPick?.(key)}>
              <title>{label}</title>
              <rect className={classes['reach']} x={x} width={step} y={0} height={height} />
              <rect x={x + step * 0.15} width={step * 0.7} y={height - tall} height={tall} rx={1} />
            </g>
          );
        })}
      </svg>
      <table className="sr">
        <caption>{title}</caption>
        <tbody>
          {bars.map(({ key, label, value }) => (
            <tr key={key}>
              <th scope="row">{label}</th>
              <td>{text(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

/** The next of 1, 2, 5, 10, 20, … */
export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
