/**
 * `npm run bench -- NAME [--rows N] [--rounds N] [--json]`: one module a benchmark, each exporting `bench(options)`, which measures and returns what it found.
 * Run them one at a time on a machine that does nothing else.
 */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Size of the input; each benchmark has its own default. */
  rows?: number;
  /** Repetitions, of which the median counts; each benchmark has its own default. */
  rounds?: number;
}

/** One line of a report. `target` says what must be reached, `met` whether it was. */
export interface Measurement {
  what: string;
  value: number;
  unit: string;
  target?: string;
  met?: boolean;
}

const BENCHMARKS = ['postgres', 'mssql', 'oracle', 'files', 'lake', 'api', 'rate', 'workbook', 'grid', 'runs'] as const;

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'boolean' } },
  });
  const name = BENCHMARKS.find((benchmark) => benchmark === positionals[0]);
  if (name === undefined || positionals.length > 1) {
    console.error(`Usage: npm run bench -- ${BENCHMARKS.join('|')} [--rows N] [--rounds N] [--json]`);
    process.exitCode = 2;
  } else {
    const module: { bench(options: BenchOptions): Promise<Measurement[]> } = await import(`./${name}.ts`);
    const measurements = await module.bench({
      ...(values.rows === undefined ? {} : { rows: Number(values.rows) }),
      ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
    });
    if (values.json) console.log(JSON.stringify(measurements, null, 2));
    else for (const measurement of measurements) console.log(line(measurement));
    if (measurements.some(({ met }) => met === false)) process.exitCode = 1;
  }
}

function line({ what, value, unit, target, met }: Measurement): string {
  const digits = Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0;
  const verdict = target === undefined ? '' : `  (${target}${met === undefined ? '' : met ? ', met' : ', MISSED'})`;
  return `${what.padEnd(44)} ${value.toLocaleString('en-US', { maximumFractionDigits: digits })} ${unit}${verdict}`;
}
